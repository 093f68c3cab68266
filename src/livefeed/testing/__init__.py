"""A portal for the tests of any application: `plugin` has fixtures, `portal` what they are.

Nothing is imported here: pytest imports the plugin at each start, whether a test wants a portal or not.
"""
