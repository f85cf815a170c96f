"""What the chip runs after it has started. No update replaces this file, nor what it runs
before there is a version: boot_slots, and rescue, which takes a release where none starts."""

import sys

import micropython

# 03 is Ctrl-C, and in every packet of a browser that wants to give us our Wi-Fi: nothing is
# ended by it until meterling.provisioning tells the two apart.
micropython.kbd_intr(-1)

import boot_slots  # noqa: E402

slot = boot_slots.begin()
if slot or not boot_slots.are_there():
    # Not missed while all goes well, and it is 3 kB of heap.
    del sys.modules["boot_slots"], boot_slots
    try:
        from meterling import app

        app.run()
    except Exception as error:
        if not slot:
            raise
        try:
            import boot_slots

            boot_slots.failed(slot, error)
        except Exception:  # no memory for it: nothing watches the prompt that would come now
            import machine

            machine.reset()
else:
    micropython.kbd_intr(3)
    import rescue

    rescue.run()
