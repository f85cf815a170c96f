"""Link layers: bytes as they come into whole payloads, resynchronising by themselves."""
