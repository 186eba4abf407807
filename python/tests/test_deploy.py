"""The examples of running by itself: they are what their readers take, and the program takes their commands."""

from __future__ import annotations

import configparser
import json
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree
from typing import Any

import kubernetes_validate
import pytest
import yaml
from conftest import Tenant, program
from readme import ROOT

import connectwise_etl as cw

DEPLOY = ROOT / "docs/deploy"
PROGRAM = "/usr/local/bin/connectwise-etl"


def cron_jobs() -> list[dict[str, Any]]:
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes-cronjob.yaml").read_text(encoding="utf-8")))
    return [document for document in documents if document["kind"] == "CronJob"]


def pods() -> list[dict[str, Any]]:
    return [job["spec"]["jobTemplate"]["spec"]["template"]["spec"] for job in cron_jobs()]


def containers() -> list[dict[str, Any]]:
    """In the order in which Kubernetes runs them."""
    return [container for pod in pods() for container in [*pod.get("initContainers", []), *pod["containers"]]]


def unit(name: str) -> configparser.ConfigParser:
    read = configparser.ConfigParser(interpolation=None, strict=False)
    read.read_string((DEPLOY / name).read_text(encoding="utf-8"))
    return read


def timers() -> list[str]:
    return sorted(path.name for path in DEPLOY.glob("*.timer"))


def of_systemd() -> list[list[str]]:
    words = unit("connectwise-etl@.service")["Service"]["ExecStart"].split()
    assert words[0] == PROGRAM
    instances = [re.sub(r".*@(.*)\.timer", r"\1", name) for name in timers()]
    return [[word.replace("%i", instance) for word in words[1:]] for instance in instances]


def of_windows() -> list[list[str]]:
    task = xml.etree.ElementTree.parse(DEPLOY / "windows-task.xml").getroot()
    names = {"": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    (command,) = task.findall("./Actions/Exec", names)
    assert (command.findtext("Command", namespaces=names) or "").endswith("\\connectwise-etl.exe")
    return [(command.findtext("Arguments", namespaces=names) or "").split()]


def of_cron() -> list[list[str]]:
    (line,) = re.findall(r"`[0-9*/ ]+ cd [^`]+ && connectwise-etl ([^`]+)`", (DEPLOY / "README.md").read_text(encoding="utf-8"))
    return [line.split()]


def test_the_program_takes_their_commands(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    given = [container["args"] for container in containers()]
    assert sorted(map(tuple, given)) == sorted(map(tuple, of_systemd())) == [("maintain",), ("reconcile",), ("run",)]
    for command in [*given, *of_systemd(), *of_windows(), *of_cron()]:
        # A path of Windows is one there only.
        words = [str(tmp_path / "lake") if word.startswith("C:\\") else word for word in command]
        ended = program(*words, **tenant.config, CW_LAKEHOUSE=str(tmp_path / "lake"))
        assert ended.returncode == 0, (command, ended.stderr)
    assert (tmp_path / "lake/gold/fact_timeentry/_delta_log").is_dir()


def test_kubernetes_knows_all_fields_and_runs_no_root() -> None:
    for document in yaml.safe_load_all((DEPLOY / "kubernetes-cronjob.yaml").read_text(encoding="utf-8")):
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
    wrong = cron_jobs()[0]
    wrong["spec"]["jobTemplate"]["spec"]["template"]["spec"]["restartpolicy"] = "Never"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)
    (user,) = re.findall(r"^USER (\d+):\d+$", (ROOT / "etl/cli/Dockerfile").read_text(encoding="utf-8"), re.M)
    assert [(pod["securityContext"]["runAsNonRoot"], str(pod["securityContext"]["runAsUser"])) for pod in pods()] == [(True, user)] * 2
    for container in containers():
        assert container["image"].split(":")[1] == cw.__version__
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_systemd_reads_its_units(tmp_path: pathlib.Path) -> None:
    assert timers() == [f"connectwise-etl@{command}.timer" for command in ("maintain", "reconcile", "run")]
    for name in timers():
        assert unit(name)["Timer"]["OnCalendar"] and unit(name)["Install"]["WantedBy"] == "timers.target"
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd isn't there")
    installed = str(pathlib.Path(sys.executable).with_name("connectwise-etl"))
    for path in [*DEPLOY.glob("*.timer"), *DEPLOY.glob("*.service")]:
        text = path.read_text(encoding="utf-8").replace(PROGRAM, installed)
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    units = [str(tmp_path / name) for name in [*timers(), "connectwise-etl@.service"]]
    read = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    assert (read.returncode, read.stdout, read.stderr) == (0, "", "")


def test_the_pipeline_sets_the_parameters_of_the_notebook() -> None:
    pipeline = json.loads((DEPLOY / "fabric-pipeline.json").read_text(encoding="utf-8"))["properties"]
    load, keep = pipeline["activities"]
    parameters = load["typeProperties"]["parameters"]
    # Without it a pipeline's notebook refuses %pip.
    assert parameters.pop("_inlineInstallationEnabled") == {"value": "True", "type": "bool"}
    notebook = json.loads((ROOT / "python/examples/fabric.ipynb").read_text(encoding="utf-8"))
    (cell,) = [cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", [])]
    declared: dict[str, Any] = {}
    exec("".join(cell["source"]), declared)
    assert {name: said["value"] for name, said in parameters.items()} == {name: declared[name] for name in ("mode", "vault")}
    assert keep["dependsOn"][0]["activity"] == load["name"] and f"activity('{load['name']}')" in keep["typeProperties"]["value"]["value"]
    assert keep["typeProperties"]["variableName"] in pipeline["variables"]
