"""Berth's changes to moto's CloudWatch and SNS: what AWS does and moto doesn't."""

from __future__ import annotations


def keep_dashboard_tags() -> None:
    """Gives dashboards tags, which moto knows for alarms only. As on AWS, only a new one takes them with its content."""
    from moto.cloudwatch.models import CloudWatchBackend
    from moto.cloudwatch.responses import CloudWatchResponse

    answer_put = CloudWatchResponse.put_dashboard
    tag_alarm, delete = CloudWatchBackend.tag_resource, CloudWatchBackend.delete_dashboards

    def put_with_tags(self):
        name, tags = self._get_param("DashboardName"), self._get_param("Tags", [])
        backend = self.cloudwatch_backend
        is_new = name not in backend.dashboards
        answer = answer_put(self)
        if is_new and tags:
            backend.tagger.tag_resource(backend.dashboards[name].arn, tags)
        return answer

    def tag_any(self, arn: str, tags: dict) -> None:
        if any(arn == one.arn for one in self.dashboards.values()):
            self.tagger.tag_resource(arn, self.tagger.convert_dict_to_tags_input(tags))
        else:
            tag_alarm(self, arn, tags)

    def delete_with_tags(self, dashboards: list):
        arns = [self.dashboards[name].arn for name in dashboards if name in self.dashboards]
        error = delete(self, dashboards)
        if error is None:
            for arn in arns:
                self.tagger.delete_all_tags_for_resource(arn)
        return error

    CloudWatchResponse.put_dashboard = put_with_tags
    CloudWatchBackend.tag_resource = tag_any
    CloudWatchBackend.delete_dashboards = delete_with_tags


def change_alarms_in_place() -> None:
    """A new alarm has no data yet. A changed one keeps its state and its tags; moto's would begin anew."""
    from moto.cloudwatch.models import CloudWatchBackend

    put_anew, delete = CloudWatchBackend.put_metric_alarm, CloudWatchBackend.delete_alarms

    def put(self, name: str, tags=None, **definition):
        old = self.alarms.get(name)
        new = put_anew(self, name=name, tags=tags if old is None else None, **definition)
        if old is None:
            new.state_value = "INSUFFICIENT_DATA"
        else:
            for field in ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp", "history"):
                setattr(new, field, getattr(old, field))
        return new

    def delete_with_tags(self, alarm_names: list) -> None:
        for name in alarm_names:
            if name in self.alarms:
                self.tagger.delete_all_tags_for_resource(self.alarms[name].alarm_arn)
        delete(self, alarm_names)

    CloudWatchBackend.put_metric_alarm = put
    CloudWatchBackend.delete_alarms = delete_with_tags


def ask_subscribers() -> None:
    """Subscriptions by mail wait until somebody confirms them, and can't be removed until then. moto's begin at once.

    No mail is sent: the token of the confirmation is the address.
    """
    from moto.core.responses import ActionResult
    from moto.sns.exceptions import SNSInvalidParameter
    from moto.sns.responses import SNSResponse

    answer_subscribe, answer_unsubscribe = SNSResponse.subscribe, SNSResponse.unsubscribe

    def is_pending(subscription) -> bool:
        return subscription.protocol == "email" and not subscription.confirmed

    def subscribe(self):
        answer = answer_subscribe(self)
        asked = (self._get_param("TopicArn"), self._get_param("Endpoint"))
        pending = [one for one in self.backend.subscriptions.values() if is_pending(one)]
        if asked in [(one.topic_arn, one.endpoint) for one in pending]:
            return ActionResult({"SubscriptionArn": "pending confirmation"})
        return answer

    def unsubscribe(self):
        if not self._get_param("SubscriptionArn").startswith("arn:"):
            raise SNSInvalidParameter("Invalid parameter: SubscriptionArn")
        return answer_unsubscribe(self)

    def list_by_topic(self):
        arn, token = self._get_param("TopicArn"), self._get_param("NextToken")
        found, next_token = self.backend.list_subscriptions_by_topic(arn, next_token=token)
        shown = [
            {
                "SubscriptionArn": "PendingConfirmation" if is_pending(one) else one.arn,
                "Owner": one.owner,
                "Protocol": one.protocol,
                "Endpoint": one.endpoint,
                "TopicArn": one.topic_arn,
            }
            for one in found
        ]
        return ActionResult({"Subscriptions": shown, "NextToken": next_token})

    def confirm(self):
        arn, address = self._get_param("TopicArn"), self._get_param("Token")
        for one in self.backend.subscriptions.values():
            if (one.topic_arn, one.endpoint) == (arn, address):
                one.confirmed = True
                return ActionResult({"SubscriptionArn": one.arn})
        raise SNSInvalidParameter("Invalid token")

    SNSResponse.subscribe = subscribe
    SNSResponse.unsubscribe = unsubscribe
    SNSResponse.list_subscriptions_by_topic = list_by_topic
    SNSResponse.confirm_subscription = confirm
