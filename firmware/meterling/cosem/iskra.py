"""Layouts (see layouts, positional) of Iskraemeco's AM550 where it sends its logical device name
first, and values without OBIS codes. Order and scalers as read in the field, nobody printed
them: UtilitechAS/amsreader-firmware, IEC6205675.cpp."""

LAYOUTS = (
    b"iskra-3-phases     *   { 0-0:42.0.0:text=ISK 0-0:96.1.3:text 1.7.0:u32:W 2.7.0:u32:W "
    b"3.7.0:u32:var 4.7.0:u32:var 32.7.0:u16:V:-1 52.7.0:u16:V:-1 72.7.0:u16:V:-1 "
    b"31.7.0:u16:A:-2 51.7.0:u16:A:-2 71.7.0:u16:A:-2 21.7.0:u32:W 41.7.0:u32:W 61.7.0:u32:W "
    b"22.7.0:u32:W 42.7.0:u32:W 62.7.0:u32:W }",
    b"iskra-voltages     *   { 0-0:42.0.0:text=ISK 0-0:96.1.2:text 32.7.0:u16:V:-1 "
    b"52.7.0:u16:V:-1 72.7.0:u16:V:-1 31.7.0:u16:A:-2 51.7.0:u16:A:-2 71.7.0:u16:A:-2 "
    b"1.7.0:u32:W 2.7.0:u32:W 3.7.0:u32:var 4.7.0:u32:var }",
    b"iskra-energies     *   { 0-0:42.0.0:text=ISK 0-0:96.1.3:text 0-0:96.3.10:u8 0-0:96.14.0:any "
    b"1.8.0:u32:Wh 1.8.1:u32:Wh 1.8.2:u32:Wh 2.8.0:u32:Wh 2.8.1:u32:Wh 2.8.2:u32:Wh "
    b"3.8.0:u32:varh 4.8.0:u32:varh }",
    b"iskra-1-phase      *   { 0-0:42.0.0:text=ISK 0-0:96.1.2:text 1.7.0:u32:W 2.7.0:u32:W "
    b"3.7.0:u32:var 4.7.0:u32:var 32.7.0:u16:V:-1 31.7.0:u16:A:-2 21.7.0:u32:W 22.7.0:u32:W }",
    b"iskra-1-voltage    *   { 0-0:42.0.0:text=ISK 0-0:96.1.2:text 32.7.0:u16:V:-1 "
    b"31.7.0:u16:A:-2 1.7.0:u32:W 2.7.0:u32:W 3.7.0:u32:var 4.7.0:u32:var }",
)
