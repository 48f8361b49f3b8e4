"""The model team's own code: features.py and model.py. The library in cd4ml/ does the rest."""
