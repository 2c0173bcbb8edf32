"""The SDK's adapter, with our own checks before it and our own courier behind it."""

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from botbuilder.core import TurnContext
from botbuilder.integration.aiohttp import CloudAdapter
from botbuilder.schema import Activity, ResourceResponse
from botframework.connector.auth import BotFrameworkAuthentication

from bot.courier import Courier

Logic = Callable[[TurnContext], Awaitable[None]]


class Adapter(CloudAdapter):  # type: ignore[misc]
    """Runs verified activities through the SDK's turn pipeline.

    Everything a turn context sends or updates goes through the courier, whose errors (Refused, Unavailable) it raises.
    """

    def __init__(self, courier: Courier) -> None:
        super().__init__(_AtTheDoor())
        self._courier = courier

    async def run(self, activity: Activity, logic: Logic) -> None:
        """One turn of an activity `bot.door` has let in. Whoever runs it answers an invoke: nothing is sent for that.

        Not `process_activity`, which authenticates, makes a connector client and a token client, and looks for an answer.
        """
        await self.run_pipeline(TurnContext(self, activity), logic)

    async def send_activities(self, context: TurnContext, activities: list[Activity]) -> list[ResourceResponse]:
        """The SDK's sending step."""
        return [ResourceResponse(id=await self._courier.send(activity)) for activity in activities]

    async def update_activity(self, context: TurnContext, activity: Activity) -> ResourceResponse:
        """The SDK's updating step."""
        await self._courier.replace(activity)
        return ResourceResponse(id=activity.id)


class _AtTheDoor(BotFrameworkAuthentication):  # type: ignore[misc]
    """Authentication has been done by `bot.door`: anything that reaches for the SDK's own is a mistake."""

    async def authenticate_request(self, *_: Any) -> NoReturn:
        raise PermissionError

    async def authenticate_streaming_request(self, *_: Any) -> NoReturn:
        raise PermissionError

    def create_connector_factory(self, *_: Any) -> NoReturn:
        raise PermissionError

    async def create_user_token_client(self, *_: Any) -> None:
        """None: the bot signs nobody in."""
