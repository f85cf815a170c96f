"""Ciphering: payload into plaintext APDU (IEC 62056-5-3)."""
