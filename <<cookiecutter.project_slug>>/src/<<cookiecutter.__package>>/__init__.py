"""The team's code: features.py and model.py. The library in cd4ml/ calls them and does the rest."""
