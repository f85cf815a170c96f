"""Lines of layouts that are wrong, with the code of what is wrong; see test_layout_file."""

from meterling_tools.simulate import axdr

# A telegram on which they can be tried.
APDU = axdr.data_notification(
    1,
    None,
    axdr.structure(
        axdr.u32(7),
        *(axdr.obis("1-0:1.8.0"), axdr.u32(8), axdr.scaler_unit(0, "Wh")),
        axdr.octets("abc"),
    ),
)

WRONG = [
    ("mine", "parts"),
    ("mine *", "parts"),
    ("mine { 1.7.0:u32:W meter }", "makers"),
    ("mine lgz { 1.7.0:u32:W meter }", "makers"),
    ("mine LGZ,KA { 1.7.0:u32:W meter }", "makers"),
    ("mine * { 1.7.0:u32:W meter", "bracket"),
    ("mine * 1.7.0:u32:W meter }", "bracket"),
    ("mine * { 1.7.0:u32:W ( meter } )?", "bracket"),
    ("mine * { 1.7.0:u32:W meter ]", "bracket"),
    ("mine * { 1.7.0:u32:W[ meter ] }", "blank"),
    ("mine * { 1.7.0:u32:W ( )* }", "empty"),
    ("mine * { 1.7.0:u32:W ( meter ) }", "repeat"),
    ("mine * { 1.7.0:u32:W } { meter }", "outside"),
    ("mine * " + "( " * 20 + "meter" + " )?" * 20, "too-deep"),
    ("mine * { energy meter }", "word"),
    ("mine * { ? meter }", "word"),
    ("mine * { meter:u32 meter }", "word"),
    ("mine * { obis quantity:power:1 }", "word"),
    ("mine * { 1.7.0:u32:W:0:0 meter }", "word"),
    ("mine * { power:u32:W meter }", "code"),
    ("mine * { 1.7:u32:W meter }", "code"),
    ("mine * { 1.7.256:u32:W meter }", "code"),
    ("mine * { 1-0:1.-7.0:u32:W meter }", "code"),
    ("mine * { 1.7.0/x:u32:W meter }", "code"),
    ("mine * { 1.7.0:u33:W meter }", "type"),
    ("mine * { 1.7.0: meter }", "type"),
    ("mine * { 1.7.0:x32:W meter }", "type"),
    ("mine * { 1.7.0:u32:Watt meter }", "unit"),
    ("mine * { 1.7.0:u32:W:ten meter }", "scaler"),
    ("mine * { 1.7.0:u32:W:300 meter }", "scaler"),
    ("mine * { obis quantity:energy }", "scaler"),
    ("mine * { value meter }", "no-obis"),
    ("mine * { pushed meter }", "no-objects"),
]
