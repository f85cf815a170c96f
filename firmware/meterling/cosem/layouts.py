"""How meters lay their values out: data, not code.

One line a layout: name, maker letters of the system title ("*" = any), pattern. The
first line whose pattern fits the whole data wins. A pattern is made of

    { .. }  a structure     [ .. ]  an array     ( .. )*  once or more     x?  may be missing
    obis    the code of the values that follow     unit    their scaler and unit
    value   one value; its unit is unknown if the frame gives none
    quantity one value; its unit follows from its code if the frame gives none
    clock   date and time of the telegram          time, date   the same, in two pieces
    meter   the meter's number                     list   the version of the push list (text)
    same    anything that is the same in each telegram of this shape, and no value
    and what positional adds

Lines of an owner's own come first, then those below, then those of positional.
"""

# Values stand behind their OBIS codes.
WITH_CODES = (
    b"a-kaifa-nested     *   { obis value ( { obis value unit? } )* }",
    b"a-nested           *   { ( { obis value unit? } )* }",
    b"b-netz-noe         *   { clock ( obis value unit )* meter? }",
    b"c-lg-flat          LGZ { ( obis quantity )* }",
    b"flat               *   { list? ( obis value unit? )* }",
    b"aidon              *   [ ( { obis value unit? } )* ]",
)
