"""Writes src/deepmoe/declarations.h, what cffi reads, from the C headers. Run it after a change of the headers."""

import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
HEADERS = HERE.parent.parent / "capi"
TARGET = HERE / "src" / "deepmoe" / "declarations.h"

# The tensor of DLPack, which the headers only name: data, its place, its type, its shape.
DLPACK = """\
typedef struct { int32_t device_type; int32_t device_id; } DLDevice;
typedef struct { uint8_t code; uint8_t bits; uint16_t lanes; } DLDataType;
typedef struct {
  void* data; DLDevice device; int32_t ndim; DLDataType dtype; int64_t* shape; int64_t* strides; uint64_t byte_offset;
} DLTensor;
struct DLManagedTensor { DLTensor dl_tensor; void* manager_ctx; void (*deleter)(struct DLManagedTensor* self); };
"""


def declarations(header: str) -> str:
    """What is left of a header without comments and all but the numbers of the preprocessor's lines."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.DOTALL)
    text = re.sub(r"#if defined\(DMOE_BUILDING\).*?#endif", "", text, flags=re.DOTALL)
    text = re.sub(r"^#(?!define \w+ +\d+\s*$).*\n", "", text, flags=re.MULTILINE)
    text = text.replace("DMOE_API ", "")
    return re.sub(r"[ \t]*\n\s*", "\n", text).strip() + "\n"


def text() -> str:
    """The whole file."""
    headers = [(HEADERS / name).read_text(encoding="utf-8") for name in ("deepmoe_runtime.h", "deepmoe.h")]
    return DLPACK + "".join(declarations(header) for header in headers)


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
