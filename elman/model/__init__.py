"""The model file: configuration, weights, vocabulary, labels and provenance; and the models in the package."""
