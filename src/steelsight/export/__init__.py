"""From a RUN to an INSPECTOR: networks as ONNX, the proof that they say the same, int8 within a limit."""
