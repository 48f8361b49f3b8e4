"""Programs for those who maintain the template."""
