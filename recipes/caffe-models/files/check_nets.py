"""Run a net of one layer in each of the formats that OpenCV reads: Caffe and ONNX; exits 1 where one is not run."""

import sys

import cv2
import numpy as np

_CAFFE = b"""
input: "data" input_shape { dim: 1 dim: 1 dim: 1 dim: 4 }
layer { name: "out" type: "ReLU" bottom: "data" top: "out" }
"""
_MESSAGE = 2  # protobuf's wire type of what has a length; a number's is 0
_FLOAT = 1  # onnx.TensorProto.DataType
_SHAPE = (1, 1, 1, 4)


def _field(number: int, content: bytes | str | int) -> bytes:
    """Write one field of protobuf; lengths and numbers here are below 128."""
    if isinstance(content, int):
        return bytes([number << 3, content])
    told = content.encode() if isinstance(content, str) else content
    return bytes([number << 3 | _MESSAGE, len(told)]) + told


def _value(name: str) -> bytes:
    shape = b"".join(_field(1, _field(1, size)) for size in _SHAPE)
    return _field(1, name) + _field(2, _field(1, _field(1, _FLOAT) + _field(2, shape)))


def onnx() -> bytes:
    """Return a net of one ReLU in ONNX (onnx.proto: ModelProto 1, 7, 8; GraphProto 1, 2, 11, 12; NodeProto 1, 2, 4)."""
    node = _field(1, "data") + _field(2, "out") + _field(3, "relu") + _field(4, "Relu")
    graph = _field(1, node) + _field(2, "net") + _field(11, _value("data")) + _field(12, _value("out"))
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 13))


def main() -> int:
    """Run both nets."""
    given = np.array([-1, 0, 1, 2], np.float32).reshape(_SHAPE)
    nets = {
        "Caffe": cv2.dnn.readNetFromCaffe(np.frombuffer(_CAFFE, np.uint8)),
        "ONNX": cv2.dnn.readNetFromONNX(np.frombuffer(onnx(), np.uint8)),
    }
    for kind, net in nets.items():
        net.setInput(given)
        if not np.array_equal(net.forward(), np.maximum(given, 0)):
            print(f"a net in {kind} gave another answer than it must", file=sys.stderr)
            return 1
        print(f"OpenCV {cv2.__version__} runs a net in {kind}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
