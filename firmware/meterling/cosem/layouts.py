"""How meters lay their values out: data, not code.

One line a layout: name, maker letters of the system title ("*" = any), pattern. The
first line whose pattern fits the whole data wins. A pattern is made of

    { .. }  a structure     [ .. ]  an array     ( .. )*  once or more     x?  may be missing
    obis    the code of the values that follow     unit    their scaler and unit
    value   one value; its unit is unknown if the frame gives none
    quantity one value; its unit follows from its code if the frame gives none
    clock   date and time of the telegram          time, date   the same, in two pieces
    meter   the meter's number                     objects  the push list (array of capture objects)
    pushed  the value of the next push list entry
    CODE:TYPE[:UNIT[:SCALER]]   a value by position. TYPE: u8 u16 u32 u64 i8 .. i64, text
    ?:TYPE  a value nobody can name

CODE is an OBIS code (1-0 if it has no A-B part), with /N for an attribute that is not
the value. Lines of an owner's own come first.
"""

TABLE = """
a-kaifa-nested     *   { obis value ( { obis value unit? } )* }
a-nested           *   { ( { obis value unit? } )* }
b-netz-noe         *   { clock ( obis value unit )* meter? }
c-lg-flat          LGZ { ( obis quantity )* }
flat               *   { 1-1:0.2.129:text? ( obis value unit? )* }
aidon              *   [ ( { obis value unit? } )* ]
d-burgenland       *   { 32.7.0:u16:V 52.7.0:u16:V 72.7.0:u16:V 31.7.0:u16:A:-2 51.7.0:u16:A:-2 71.7.0:u16:A:-2 1.7.0:u32:W 2.7.0:u32:W 1.8.0:u32:Wh 2.8.0:u32:Wh ?:u16 ?:u16 ?:u16 meter }
e-siemens-iskra    *   { 0-6:25.9.0/1:text meter time date 1.8.0:u32:Wh 2.8.0:u32:Wh 3.8.0:u32:varh 4.8.0:u32:varh 1.7.0:u32:W 2.7.0:u32:W 0-0:96.13.0:text? 0-0:96.13.1:text? }
f-wiener-netze     *   { 0-0:42.0.0:text? clock 1.8.0:u32:Wh 2.8.0:u32:Wh 3.8.0:u32:varh 4.8.0:u32:varh 1.7.0:u32:W 2.7.0:u32:W 3.7.0:u32:var 4.7.0:u32:var }
g-push-list        *   { objects ( pushed )* }
"""
