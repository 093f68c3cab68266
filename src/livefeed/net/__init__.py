"""The wire out: resolve, check, connect to the checked address; one HTTP client behind one seam."""
