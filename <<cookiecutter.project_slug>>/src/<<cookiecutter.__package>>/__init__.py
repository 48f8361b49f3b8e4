"""From a table to a model that is served: one package, one verb a stage."""
