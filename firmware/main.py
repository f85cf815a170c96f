"""What the chip runs after it has started."""

from meterling import app

app.run()
