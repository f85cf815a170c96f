"""COSEM: plaintext APDU into quantities (IEC 62056-5-3, 62056-6-2)."""
