import pytest

# Their assertions say what they saw, as those of test files do.
pytest.register_assert_rewrite("calls", "client")
