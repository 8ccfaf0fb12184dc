"""Providers as data: what plugins say, what the catalog knows, what a config resolves to."""
