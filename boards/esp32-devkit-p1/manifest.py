include("../common")
module("board_settings.py", opt=2)
