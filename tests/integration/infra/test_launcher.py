"""Ray's own provider runs machines as `launcher/aws.yaml` says, on moto's EC2 and within the policy of the head."""

import copy
import os
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws

from tests.support.iam import statements
from tests.support.infra import INFRA

TEXT = (INFRA / "launcher/aws.yaml").read_text("utf-8")
POLICY = statements(INFRA / "policies/aws/launcher-head.json")
REGION = "eu-central-1"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty account, and what Ray's import does to the environment undone."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "111122223333")
    before = dict(os.environ)
    mocked = mock_aws()
    # moto keeps the data of all its accounts in one place: the stores of other tests are not to go with this one's.
    mocked.start(reset=False)
    yield boto3.client("ec2", REGION)
    mocked.stop(remove_data=False)
    os.environ.clear()
    os.environ.update(before)


def launcher(ec2: Any) -> dict[str, Any]:
    """The file with a subnet, a security group and a profile that are there, as `ray up` prepares it."""
    from ray.autoscaler._private.aws.config import _configure_from_network_interfaces  # noqa: PLC0415
    from ray.autoscaler._private.util import prepare_config  # noqa: PLC0415

    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="ray", Description="ray", VpcId=vpc)["GroupId"]
    for role in ("head", "worker"):
        boto3.client("iam").create_instance_profile(InstanceProfileName=f"hindcast-{role}")
    text = TEXT.replace("subnet-11111111111111111", subnet).replace("sg-11111111111111111", group)
    config: dict[str, Any] = _configure_from_network_interfaces(prepare_config(yaml.safe_load(text)))
    image = ec2.describe_images()["Images"][0]["ImageId"]
    for node_type in config["available_node_types"].values():
        node_type["node_config"]["ImageId"] = image
    return config


def test_the_head_runs_workers_within_its_policy(account: Any) -> None:
    from ray.autoscaler._private.aws.node_provider import AWSNodeProvider  # noqa: PLC0415

    config = launcher(account)
    make: Any = AWSNodeProvider
    provider = make(config["provider"], config["cluster_name"])
    called: dict[str, list[dict[str, Any]]] = {}

    def note(model: Any, params: dict[str, Any], **_: object) -> None:
        called.setdefault(f"ec2:{model.name}", []).append(params["body"])

    for resource in (provider.ec2, provider.ec2_fail_fast):
        resource.meta.client.meta.events.register("before-call.ec2", note)
    config = provider.fillout_available_node_types_resources(config)
    spot = config["available_node_types"]["spot"]
    assert spot["resources"]["CPU"] == 8
    provider.create_node(copy.deepcopy(spot["node_config"]), {"ray-node-type": "worker"}, 1)
    (worker,) = provider.non_terminated_nodes({"ray-node-type": "worker"})
    (machine,) = account.describe_instances()["Reservations"][0]["Instances"]
    assert machine["InstanceType"] == "m7i.2xlarge"
    assert machine["InstanceLifecycle"] == "spot"
    assert "PublicIpAddress" not in machine
    provider.terminate_nodes([worker])
    assert provider.non_terminated_nodes({}) == []

    allowed = {action for each in POLICY for action in as_list(each["Action"])}
    assert called.keys() <= allowed
    # Names are given by a thread of Ray's in its own time, and as machines start.
    assert allowed - called.keys() <= {"ec2:CreateTags", "iam:PassRole"}
    (started,) = called["ec2:RunInstances"]
    tags = {value for name, value in started.items() if name.startswith("TagSpecification")}
    (named,) = (each for each in POLICY if each["Sid"] == "StartWorkersOfThisClusterOnly")
    assert named["Condition"] == {"StringEquals": {"aws:RequestTag/ray-cluster-name": "hindcast"}}
    assert {"ray-cluster-name", "hindcast"} <= tags


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
