"""What calls of an earlier package find here."""

from __future__ import annotations

import datetime
import sys

import pytest
from conftest import Tenant

import connectwise_etl as cw
from connectwise_etl import utils


def test_errors_have_the_names_and_codes_of_old() -> None:
    assert issubclass(utils.ETLConfigError, ValueError)
    with pytest.raises(utils.ETLConfigError) as caught:
        cw.run_etl_pipeline(spark=object(), layers=["platinum"], mode="full", lookback_days=30)
    assert caught.value.code == utils.ErrorCode.CONFIG and int(caught.value.code) == 1000
    for kind, name, code in (
        (cw.ForbiddenError, utils.ETLProcessingError, utils.ErrorCode.SOURCE),
        (cw.IncompleteError, utils.ETLProcessingError, utils.ErrorCode.SOURCE),
        (cw.RunFailed, utils.ETLProcessingError, utils.ErrorCode.TABLE),
        (cw.LakeError, utils.ETLInfrastructureError, utils.ErrorCode.LAKEHOUSE),
        (cw.ConflictError, utils.ETLInfrastructureError, utils.ErrorCode.LAKEHOUSE),
    ):
        assert issubclass(kind, name) and kind("why").code == code


def test_a_batch_has_the_name_of_a_moment_in_utc() -> None:
    east = datetime.timezone(datetime.timedelta(hours=2))
    assert utils.create_batch_identifier(datetime.datetime(2026, 1, 31, 8, 5, 9)) == "20260131-080509"
    assert cw.ConnectWiseClient.create_batch_identifier(datetime.datetime(2026, 1, 1, 1, tzinfo=east)) == "20251231-230000"
    now = datetime.datetime.now(datetime.timezone.utc)
    assert utils.create_batch_identifier() >= utils.create_batch_identifier(now)


class Session:
    """As much of a Spark session as is looked at before rows go there."""

    def createDataFrame(self) -> None:
        raise NotImplementedError


def test_rows_go_to_the_session_that_there_is(shared: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cw.Frame, "to_spark", lambda frame, session: (len(frame), session))
    plain, count = cw.ConnectWiseClient(shared.config), shared.counted("Board")
    mine, call, notebooks = Session(), Session(), Session()
    client = cw.ConnectWiseClient(shared.config, spark=mine)
    assert isinstance(plain.extract("service/boards"), cw.Frame)
    assert client.extract("service/boards") == (count, mine)
    assert client.extract("service/boards", spark=call) == (count, call)
    assert isinstance(client.extract("service/boards", returns="frame"), cw.Frame)
    with pytest.raises(cw.ConfigError, match="give one as spark"):
        plain.extract("service/boards", returns="spark")
    with pytest.raises(cw.ConfigError, match="returns is"):
        plain.extract("service/boards", returns="pandas")  # type: ignore[arg-type]
    monkeypatch.setattr(sys.modules["__main__"], "spark", "no session", raising=False)
    assert isinstance(plain.extract("service/boards"), cw.Frame)
    monkeypatch.setattr(sys.modules["__main__"], "spark", notebooks)
    assert plain.extract("service/boards") == (count, notebooks)
    assert plain.extract_all("Board") == {"Board": (count, notebooks)}
