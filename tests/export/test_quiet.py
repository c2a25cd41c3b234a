"""What converters say is kept back while they work, and no longer."""

import logging
import warnings

import pytest

from distill.export.quiet import quiet


@pytest.mark.parametrize("logger", ["", "some.converter"])
def test_errors_alone_are_said_and_afterwards_all_is_as_it_was(
    logger: str, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    log = logging.getLogger(logger)
    level = log.level
    with pytest.raises(ValueError, match="failed"), quiet(logger):
        log.warning("chatter")
        log.error("trouble")
        warnings.warn("chatter", stacklevel=1)
        raise ValueError("failed")
    assert caplog.messages == ["trouble"] and not recwarn.list
    assert log.level == level
    warnings.warn("heard", stacklevel=1)
    assert len(recwarn.list) == 1
