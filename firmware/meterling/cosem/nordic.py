"""Layouts (see layouts, positional) of what Norway, Sweden and Denmark send, and `flat`, which
also others do.

Norway (NVE and NEK, "HAN personal metering data"): list 1, the power alone, every 2.5 s;
list 2 every 10 s; list 3, the same with clock and energies, every hour.
"""

LAYOUTS = (
    # Current transformers, types 685: which scalers they have is not documented.
    b"kamstrup-ct        *   { list=Kamstrup_V0001 obis value obis value=685 "
    b"( obis value null? )* }",
    # HAN-NVE interface description, rev. 3.1: energies in 10 Wh, currents in 0.01 A. Power
    # factors, in Denmark: 0.01 (UtilitechAS/amsreader-firmware, IEC6205675.cpp).
    b"kamstrup           *   { list=Kamstrup_V0001 "
    b"( obis quantity:energy:1:current:-2:voltage:0:factor:-2 null? )* }",
    b"flat               *   { list? ( obis value unit? )* }",
    b"aidon              *   [ ( { obis value unit? } )* ]",
    # Kaifa's values have no OBIS codes. Order and scalers: "Kaifa HAN OBIS codes KFM_001";
    # toreamun/amshan, han/kaifa.py. Lists of one phase leave out what is of L2 and L3. Lists
    # 1 are not ciphered and say no name: learn gives them the letters KFM, by their head.
    b"kaifa-1            KFM { 1.7.0:u32:W }",
    b"kaifa-3-phases     *   { list=KFM_001 0-0:96.1.0:text 0-0:96.1.7:text 1.7.0:u32:W "
    b"2.7.0:u32:W 3.7.0:u32:var 4.7.0:u32:var 31.7.0:u32:A:-3 51.7.0:u32:A:-3 71.7.0:u32:A:-3 "
    b"32.7.0:u32:V:-1 52.7.0:u32:V:-1 72.7.0:u32:V:-1 "
    b"( clock 1.8.0:u32:Wh 2.8.0:u32:Wh 3.8.0:u32:varh 4.8.0:u32:varh )? }",
    b"kaifa-1-phase      *   { list=KFM_001 0-0:96.1.0:text 0-0:96.1.7:text 1.7.0:u32:W "
    b"2.7.0:u32:W 3.7.0:u32:var 4.7.0:u32:var 31.7.0:u32:A:-3 32.7.0:u32:V:-1 "
    b"( clock 1.8.0:u32:Wh 2.8.0:u32:Wh 3.8.0:u32:varh 4.8.0:u32:varh )? }",
)
