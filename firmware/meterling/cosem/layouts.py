"""How meters lay their values out: data, not code.

One line a layout: name, maker letters of the system title ("*" = any), pattern. The
first line whose pattern fits the whole data wins. A pattern is made of

    { .. }  a structure     [ .. ]  an array     x?  may be missing
    ( .. )*  once or more   ( .. )?  once or not at all
    obis    the code of the values that follow     unit    their scaler and unit
    value   one value; its unit is unknown if the frame gives none
    quantity one value whose unit follows from its code: W, var, Wh, varh. Where the maker
            documents them, quantity:energy:1:current:-2 gives scalers: energy, and voltage
            (V), current (A), factor (of power), which without that are as sent, without unit
    clock   date and time of the telegram          time, date   the same, in two pieces
    meter   the meter's number                     list   the version of the push list (text)
    same    anything that is the same in each telegram of this shape, and no value
    null    nothing (null-data)
    and what positional adds. WORD=TEXT: only if it is a text that begins with TEXT.

Lines of an owner's own come first (see layout_check), then those below, which say most of
their values with OBIS codes, then those of nordic, positional and iskra: one module after
the other, so that never all are in memory.
"""

LAYOUTS = (
    b"a-kaifa-nested     *   { obis value ( { obis value unit? } )* }",
    b"a-nested           *   { ( { obis value unit? } )* }",
    b"b-netz-noe         *   { clock ( obis value unit )* meter? }",
    b"c-lg-flat          LGZ { ( obis quantity:voltage:0 )* }",
)
