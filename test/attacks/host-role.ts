import type { Attack } from "./attack.ts";
import type { Target } from "./target.ts";

const prelude = `
from botocore.session import Session
from botocore.config import Config
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
import os, sys
# As long as for the calls themselves: it would give up after a second, and attack without any credentials.
os.environ.update(AWS_METADATA_SERVICE_TIMEOUT="60", AWS_METADATA_SERVICE_NUM_ATTEMPTS="3")
patience = Config(retries={"total_max_attempts": 1}, connect_timeout=60, read_timeout=60)
def aws(service):
    return Session().create_client(service, region_name="eu-central-1", config=patience)
def make_channel(kind):
    """As the agent of Session Manager does. botocore has no such service."""
    place = f"https://ssmmessages.eu-central-1.amazonaws.com/v1/{kind}-channel/i-00000000000000000"
    request = AWSRequest("POST", place, data=b"{}", headers={"content-type": "application/json"})
    SigV4Auth(Session().get_credentials(), "ssmmessages", "eu-central-1").add_auth(request)
    status = URLLib3Session(timeout=10).send(request.prepare()).status_code
    if status >= 400:
        raise ClientError({"Error": {"Code": str(status)}}, "CreateChannel")
def metrics(namespace):
    # As the host itself does it: botocore's own way is refused for whatever namespace.
    sys.path += ["/usr/local/lib/berth", "/usr/local/lib/berth-launcher"]
    import aws_call, state
    service = aws_call.service_of(state.read_settings(), "monitoring", "GraniteServiceVersion20100801", "1.0")
    data = [{"MetricName": "Serving", "Timestamp": -1, "Value": 1.0}]
    try:
        aws_call.Client(service).call("PutMetricData", {"Namespace": namespace, "MetricData": data})
    except aws_call.Refusal as refusal:
        raise ClientError({"Error": {"Code": refusal.code}}, "PutMetricData")
def attempt(work):
    try:
        work()
        return "allowed"
    except BotoCoreError as error:
        return type(error).__name__
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return "refused" if code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403") else f"allowed: {code}"
`;

/** Where a call that is let in would harm, it is one that AWS itself then turns down. */
const tries: Record<string, string> = {
  "start an instance": `aws("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, DryRun=True)`,
  "end an instance": `aws("ec2").terminate_instances(InstanceIds=["i-00000000000000000"])`,
  "look at all instances": `aws("ec2").describe_instances()`,
  "change its own user data": `aws("ec2").modify_instance_attribute(InstanceId="i-00000000000000000", UserData={"Value": b"x"})`,
  "open a port": `aws("ec2").authorize_security_group_ingress(GroupId="sg-00000000", IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0")`,
  "give itself more rights": `aws("iam").put_role_policy(RoleName="nobody", PolicyName="x", PolicyDocument='{"Version":"2012-10-17","Statement":[]}')`,
  "make a user's key": `aws("iam").create_access_key(UserName="nobody")`,
  "take another role": `aws("sts").assume_role(RoleArn="arn:aws:iam::123456789012:role/other", RoleSessionName="other")`,
  "list all buckets": `aws("s3").list_buckets()`,
  "read the state document": `aws("s3").get_object(Bucket=bucket, Key="state.json")`,
  "write the state document": `aws("s3").put_object(Bucket=bucket, Key="state.json", Body=b"x", IfNoneMatch="*")`,
  "declaration for a release": `aws("s3").put_object(Bucket=bucket, Key="release.json", Body=b"x", IfNoneMatch="*")`,
  "publish an agent": `aws("s3").put_object(Bucket=bucket, Key="agent.json", Body=b"x", IfNoneMatch="*")`,
  "put a bundle": `aws("s3").put_object(Bucket=bucket, Key="agent/${"0".repeat(64)}.tar.gz", Body=b"x")`,
  "read beside the bundles": `aws("s3").get_object(Bucket=bucket, Key="agent/secret")`,
  "write beside its report": `aws("s3").put_object(Bucket=bucket, Key="hosts.html", Body=b"x")`,
  "take an object away": `aws("s3").delete_object(Bucket=bucket, Key="hosts/nothing.json")`,
  "open its bucket to all": `aws("s3").put_bucket_policy(Bucket="berth-no-such-bucket", Policy='{"Version":"2012-10-17","Statement":[]}')`,
  "push an image": `aws("ecr").put_image(repositoryName="berth/none", imageManifest="{}")`,
  "make a repository": `aws("ecr").create_repository(repositoryName="berth/attacked")`,
  "write another's log": `aws("logs").put_log_events(logGroupName="/berth/other", logStreamName="app", logEvents=[{"timestamp": 1, "message": "x"}])`,
  "read the stack's log": `aws("logs").filter_log_events(logGroupName="/berth/other")`,
  "send another's metrics": `metrics("Berth/other")`,
  "send metrics as AWS itself": `metrics("AWS/EC2")`,
  "read metrics": `aws("cloudwatch").list_metrics()`,
  "read a parameter": `aws("ssm").get_parameter(Name="/berth/none")`,
  "make a channel for shells": `make_channel("control")`,
  "make a channel for a shell's data": `make_channel("data")`,
  "run a function": `aws("lambda").list_functions()`,
};

async function attemptOnHost({ machine, bucket }: Target, call: string): Promise<string> {
  const program = `${prelude}\nbucket = "${bucket}"\nprint(attempt(lambda: ${call}))`;
  return runPython(machine, program);
}

/** A Python program on the machine, as root: what a host that was taken over may do with its role. */
export function runPython(machine: Target["machine"], program: string): Promise<string> {
  const packed = Buffer.from(program).toString("base64");
  return machine(`echo ${packed} | base64 -d | python3 -B -W ignore -`);
}

export const hostRole: readonly Attack[] = Object.entries(tries).map(([name, call]) => ({
  from: "host-role",
  name: `call: ${name}`,
  expected: "refused",
  attempt: (target) => attemptOnHost(target, call),
}));
