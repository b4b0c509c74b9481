"""Export: a model as an ONNX graph, written by hand, operator by operator."""
