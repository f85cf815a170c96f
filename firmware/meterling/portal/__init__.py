"""People: the setup, the live page, the settings; API.md says what they are served."""
