"""What comes from websites: keys, forms as they are sent, and the plugin."""
