"""Arguments that do not fit a tool's schema: told in one line each, without a library's words."""

from typing import Any

from fastmcp.exceptions import ToolError, ValidationError
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from pydantic import ValidationError as PydanticError


class PlainRefusals(Middleware):
    """Tells what is wrong with which argument."""

    async def on_call_tool(
        self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]
    ) -> Any:
        """Call the tool; arguments that do not fit become one line each."""
        try:
            return await call_next(context)
        except ValidationError as error:
            if not isinstance(error.__cause__, PydanticError):
                raise
            raise ToolError(_words(context.message.name, error.__cause__)) from None


def _words(tool: str, error: PydanticError) -> str:
    lines = [
        f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}"
        for each in error.errors(include_url=False, include_input=False)
    ]
    return "\n".join([*lines, f"next step: call {tool} as its schema says"])
