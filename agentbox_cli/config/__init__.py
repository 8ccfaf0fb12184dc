"""config.yml: found, parsed with positions, validated; the keys that it names."""
