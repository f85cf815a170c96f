# What is frozen into every board's image. Before an image is made, `meterling build` has
# fetched the pinned dependencies into build/deps.
import os

include("$(PORT_DIR)/boards/manifest.py")  # MicroPython's own modules, with umqtt.simple

# Kernels exist twice: *_plain is for Pythons that run no machine code. What is frozen is not
# packed.
firmware = os.path.join(os.getcwd(), "..", "..", "firmware")
for folder, _, names in sorted(os.walk(firmware)):
    for name in sorted(names):
        if name.endswith(".py") and not name.endswith(("_plain.py", "packed.py")):
            path = os.path.relpath(os.path.join(folder, name), firmware)
            module(path, base_path=firmware, opt=2)

module("microdot.py", base_path="../../build/deps", opt=2)
module("boot.py", opt=2)
