"""What has to work in every Python, with no other package installed."""

import tempfile

import connectwise_etl as cw

with cw.Simulator(scale=50) as tenant, tempfile.TemporaryDirectory() as lakehouse:
    report = cw.run("bronze,silver", entities="Board", lakehouse=lakehouse, config=tenant.config)
    assert report.outcome == "done", report
    boards = cw.query("select count(*) as boards from silver_cw_board", lakehouse=lakehouse)
    counted = cw.ConnectWiseClient(tenant.config).count("service/boards")
    assert boards._rows.cells(1) == [[str(counted)]], (boards, counted)
    try:
        cw.query("select 1 +", lakehouse=lakehouse)
    except cw.QueryError as error:
        assert isinstance(error, ValueError)
    else:
        raise AssertionError("half a question was answered")
