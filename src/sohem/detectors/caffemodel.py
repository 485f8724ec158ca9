"""Reads the weights in a Caffe model file (.caffemodel), a message of Google's protocol buffers, without Caffe.

Only the few fields that hold weights are described, with their numbers in Caffe's caffe.proto; the parser skips all
others. A layer stands in ``layers`` (older files, such as the original VGG16) or in ``layer`` (newer ones).
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from torch import Tensor

from sohem.errors import CheckpointError

_PACKAGE = "sohem.caffe"  # not Caffe's own name, so that its bindings may be loaded beside this
_FIELD = descriptor_pb2.FieldDescriptorProto

# Message -> its fields: name, number, type (a message by name), repeated.
_MESSAGES: dict[str, list[tuple[str, int, int | str, bool]]] = {
    "BlobShape": [("dim", 1, _FIELD.TYPE_INT64, True)],
    "BlobProto": [
        ("num", 1, _FIELD.TYPE_INT32, False),
        ("channels", 2, _FIELD.TYPE_INT32, False),
        ("height", 3, _FIELD.TYPE_INT32, False),
        ("width", 4, _FIELD.TYPE_INT32, False),
        ("data", 5, _FIELD.TYPE_FLOAT, True),
        ("shape", 7, "BlobShape", False),
    ],
    "V1LayerParameter": [("name", 4, _FIELD.TYPE_STRING, False), ("blobs", 6, "BlobProto", True)],
    "LayerParameter": [("name", 1, _FIELD.TYPE_STRING, False), ("blobs", 7, "BlobProto", True)],
    "NetParameter": [("layers", 2, "V1LayerParameter", True), ("layer", 100, "LayerParameter", True)],
}


def _net_parameter() -> type[Any]:
    """The class of Caffe's NetParameter, made from the table above."""
    file = descriptor_pb2.FileDescriptorProto(name="sohem/caffe.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, repeated in fields:
            added = message.field.add(name=field, number=number)
            added.label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
            if isinstance(kind, str):
                added.type, added.type_name = _FIELD.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                added.type = kind
                added.options.packed = repeated
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.NetParameter"))


NetParameter = _net_parameter()


def read(path: Path) -> dict[str, list[Tensor]]:
    """Layer name -> its blobs (weight, then bias), float32, of the layers that have any.

    Convolutions are [out, in, height, width] and inner products [out, in], as in PyTorch. The old format gives every
    blob four sizes, the unused ones first and 1; those are dropped.

    Raises:
        CheckpointError: no such file, cut short, not a Caffe model, or a blob does not hold what its shape says.
    """
    net = NetParameter()
    try:
        net.ParseFromString(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from None
    except DecodeError:
        raise CheckpointError(f"{path}: cut short, damaged or not a Caffe model; get the file again") from None
    found = {layer.name: layer.blobs for layer in [*net.layers, *net.layer] if len(layer.blobs)}
    if not found:
        raise CheckpointError(f"{path}: no layer with weights in it; not a Caffe model (.caffemodel), or damaged")
    return {name: [_tensor(blob, f"{path}: layer {name}") for blob in blobs] for name, blobs in found.items()}


def _tensor(blob: Any, where: str) -> Tensor:
    if blob.HasField("shape"):
        shape = tuple(blob.shape.dim)
    else:
        shape = (blob.num, blob.channels, blob.height, blob.width)
        while len(shape) > 1 and shape[0] == 1:
            shape = shape[1:]
    data = torch.from_numpy(np.array(blob.data, dtype=np.float32))
    if min(shape, default=1) < 0 or int(np.prod(shape, dtype=np.int64)) != len(data):
        raise CheckpointError(f"{where}: {len(data)} numbers for the shape {list(shape)}; damaged, get the file again")
    return data.reshape(shape)
