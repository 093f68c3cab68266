"""The look of every page: templates, one stylesheet, and BBCode as HTML."""
