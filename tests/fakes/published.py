"""Whole answers of the endpoints whose content passes unread, as their providers publish them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from anthropic.types.beta import BetaDeletedFile, BetaFileMetadata
from anthropic.types.messages import DeletedMessageBatch, MessageBatch
from openai.types import (
    Batch,
    ContainerCreateResponse,
    FileDeleted,
    FileObject,
    ImageGenCompletedEvent,
    ImageGenPartialImageEvent,
    ImagesResponse,
    ModerationCreateResponse,
    Upload,
    VectorStore,
    VectorStoreDeleted,
)
from openai.types.audio import (
    Transcription,
    TranscriptionTextDeltaEvent,
    TranscriptionTextDoneEvent,
    TranscriptionVerbose,
    Translation,
)
from openai.types.conversations import Conversation, ConversationDeletedResource
from openai.types.responses import (
    CompactedResponse,
    InputTokenCountResponse,
    Response,
    ResponseItemList,
)
from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A shape that the SDKs have no model for."""

    model_config = ConfigDict(extra="allow")


class Ranked(Strict):
    """A document's place, as Cohere publishes it."""

    index: int
    relevance_score: float


class Rerank(Strict):
    """An answer of Cohere's `/v2/rerank`, which OpenAI-style servers give too."""

    id: str
    results: list[Ranked]
    meta: dict[str, Any] | None = None


class DeletedResponse(Strict):
    """What `DELETE /v1/responses/{id}` gives; the SDK makes nothing of it."""

    id: str
    object: Literal["response"]
    deleted: Literal[True]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A call and what it gives.

    Args:
        method, path: the call.
        shape: what the answer is; one for each event if it is a stream.
        told: the answer; several events if it is a stream.
        form: whether the call is a form.
        anthropic: whether the caller speaks as Anthropic's SDK does.
    """

    method: str
    path: str
    shape: Any
    told: Any
    form: bool = False
    anthropic: bool = False

    @property
    def streams(self) -> bool:
        return isinstance(self.told, list)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}{' stream' if self.streams else ''}"


def _made(path: str, shape: Any, told: Any, *, form: bool = False) -> Published:
    return Published(method="POST", path=f"/v1{path}", shape=shape, told=told, form=form)


def _gives(call: str, shape: Any, told: Any, *, anthropic: bool = False) -> Published:
    method, _, path = call.partition(" ")
    return Published(method=method, path=f"/v1{path}", shape=shape, told=told, anthropic=anthropic)


_WHEN = 1_741_290_958
_IMAGE_USAGE = {
    "input_tokens": 7,
    "output_tokens": 9,
    "total_tokens": 16,
    "input_tokens_details": {"text_tokens": 7, "image_tokens": 0},
}
_PICTURES = {
    "created": _WHEN,
    "background": "opaque",
    "output_format": "png",
    "quality": "low",
    "size": "1024x1024",
    "data": [{"b64_json": "AAAA"}],
    "usage": _IMAGE_USAGE,
}
_PICTURE = {
    "b64_json": "AAAA",
    "background": "opaque",
    "created_at": _WHEN,
    "output_format": "png",
    "quality": "low",
    "size": "1024x1024",
}
_SECONDS = {"type": "duration", "seconds": 3}
_SEGMENT = {
    "id": 0,
    "avg_logprob": -0.3,
    "compression_ratio": 1.2,
    "start": 0.0,
    "end": 2.5,
    "no_speech_prob": 0.01,
    "seek": 0,
    "temperature": 0.0,
    "text": "hello",
    "tokens": [50364, 2425],
}
_SPOKEN = {"text": "hello", "duration": 2.5, "language": "english", "segments": [_SEGMENT]}
_HARMS = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
_JUDGED = {
    "flagged": False,
    "categories": dict.fromkeys(_HARMS, False),
    "category_scores": dict.fromkeys(_HARMS, 0.01),
    "category_applied_input_types": {name: ["text"] for name in _HARMS},
}
_TEXT = {"type": "output_text", "text": "hi", "annotations": [], "logprobs": []}
_MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [_TEXT],
}
_ASKED = {
    "id": "msg_0",
    "type": "message",
    "role": "user",
    "status": "completed",
    "content": [{"type": "input_text", "text": "hi"}],
}
_RESPONSE: Mapping[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": _WHEN,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "model": "gpt-4.1",
    "output": [_MESSAGE],
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
}
_TOKENS = {
    "input_tokens": 1,
    "output_tokens": 2,
    "total_tokens": 3,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 0},
}
_COMPACTED = {
    "id": "resp_1",
    "object": "response.compaction",
    "created_at": _WHEN,
    "output": [{"id": "cmp_1", "type": "compaction", "encrypted_content": "gAAAA"}],
    "usage": _TOKENS,
}
_ITEMS = {
    "object": "list",
    "data": [_ASKED],
    "first_id": "msg_0",
    "last_id": "msg_0",
    "has_more": False,
}
_FILE = {
    "id": "file-1",
    "object": "file",
    "bytes": 2,
    "created_at": _WHEN,
    "filename": "a.jsonl",
    "purpose": "batch",
    "status": "processed",
}
_BATCH = {
    "id": "batch_1",
    "object": "batch",
    "endpoint": "/v1/responses",
    "errors": None,
    "input_file_id": "file-1",
    "completion_window": "24h",
    "status": "validating",
    "created_at": _WHEN,
    "request_counts": {"total": 0, "completed": 0, "failed": 0},
    "metadata": None,
}
_UPLOAD = {
    "id": "upload_1",
    "object": "upload",
    "bytes": 2,
    "created_at": _WHEN,
    "expires_at": _WHEN + 3600,
    "filename": "a.jsonl",
    "purpose": "batch",
    "status": "pending",
    "file": None,
}
_CONTAINER = {
    "id": "cntr_1",
    "object": "container",
    "created_at": _WHEN,
    "status": "running",
    "name": "mine",
}
_CONVERSATION = {"id": "conv_1", "object": "conversation", "created_at": _WHEN, "metadata": {}}
_COUNTS = dict.fromkeys(("in_progress", "completed", "failed", "cancelled", "total"), 0)
_STORE = {
    "id": "vs_1",
    "object": "vector_store",
    "created_at": _WHEN,
    "name": "mine",
    "status": "completed",
    "usage_bytes": 0,
    "file_counts": _COUNTS,
    "metadata": {},
    "last_active_at": None,
}
_CLAUDES_COUNTS = ("processing", "succeeded", "errored", "canceled", "expired")
_CLAUDES_BATCH = {
    "id": "msgbatch_1",
    "type": "message_batch",
    "processing_status": "in_progress",
    "request_counts": dict.fromkeys(_CLAUDES_COUNTS, 0),
    "created_at": "2024-08-20T18:37:24.100435Z",
    "expires_at": "2024-08-21T18:37:24.100435Z",
    "archived_at": None,
    "cancel_initiated_at": None,
    "ended_at": None,
    "results_url": None,
}
_CLAUDES_FILE = {
    "id": "file_1",
    "type": "file",
    "filename": "a.pdf",
    "mime_type": "application/pdf",
    "size_bytes": 2,
    "created_at": "2024-08-20T18:37:24.100435Z",
    "downloadable": False,
}


def _gone(name: str, kind: str) -> dict[str, Any]:
    return {"id": name, "object": kind, "deleted": True}


PUBLISHED = (
    _made("/images/generations", ImagesResponse, _PICTURES),
    _made(
        "/images/generations",
        ImageGenPartialImageEvent | ImageGenCompletedEvent,
        [
            _PICTURE | {"type": "image_generation.partial_image", "partial_image_index": 0},
            _PICTURE | {"type": "image_generation.completed", "usage": _IMAGE_USAGE},
        ],
    ),
    _made("/images/edits", ImagesResponse, _PICTURES, form=True),
    _made("/images/variations", ImagesResponse, _PICTURES, form=True),
    _made("/audio/transcriptions", Transcription, {"text": "hello", "usage": _SECONDS}, form=True),
    _made(
        "/audio/transcriptions",
        TranscriptionTextDeltaEvent | TranscriptionTextDoneEvent,
        [
            {"type": "transcript.text.delta", "delta": "hello"},
            {"type": "transcript.text.done", "text": "hello"},
        ],
        form=True,
    ),
    _made("/audio/translations", Translation, {"text": "hello"}, form=True),
    _made("/audio/translations", TranscriptionVerbose, _SPOKEN, form=True),
    _made(
        "/moderations",
        ModerationCreateResponse,
        {"id": "modr-1", "model": "omni-moderation-latest", "results": [_JUDGED]},
    ),
    _made(
        "/rerank",
        Rerank,
        {"id": "r", "results": [{"index": 1, "relevance_score": 0.9}], "meta": {}},
    ),
    _made(
        "/responses/input_tokens",
        InputTokenCountResponse,
        {"object": "response.input_tokens", "input_tokens": 11},
    ),
    _made("/responses/compact", CompactedResponse, _COMPACTED),
    _gives("GET /responses/resp_1", Response, _RESPONSE),
    _gives("GET /responses/resp_1/input_items", ResponseItemList, _ITEMS),
    _gives("POST /responses/resp_1/cancel", Response, {**_RESPONSE, "status": "cancelled"}),
    _gives("DELETE /responses/resp_1", DeletedResponse, _gone("resp_1", "response")),
    _gives("POST /files", FileObject, _FILE),
    _gives("GET /files/file-1", FileObject, _FILE),
    _gives("DELETE /files/file-1", FileDeleted, _gone("file-1", "file")),
    _gives("POST /batches", Batch, _BATCH),
    _gives("GET /batches/batch_1", Batch, _BATCH),
    _gives("POST /batches/batch_1/cancel", Batch, _BATCH | {"status": "cancelling"}),
    _gives("POST /uploads", Upload, _UPLOAD),
    _gives("POST /uploads/upload_1/complete", Upload, _UPLOAD | {"file": _FILE}),
    _gives("POST /containers", ContainerCreateResponse, _CONTAINER),
    _gives("POST /conversations", Conversation, _CONVERSATION),
    _gives("GET /conversations/conv_1", Conversation, _CONVERSATION),
    _gives(
        "DELETE /conversations/conv_1",
        ConversationDeletedResource,
        _gone("conv_1", "conversation.deleted"),
    ),
    _gives("POST /vector_stores", VectorStore, _STORE),
    _gives(
        "DELETE /vector_stores/vs_1", VectorStoreDeleted, _gone("vs_1", "vector_store.deleted")
    ),
    _gives("POST /messages/batches", MessageBatch, _CLAUDES_BATCH, anthropic=True),
    _gives("GET /messages/batches/msgbatch_1", MessageBatch, _CLAUDES_BATCH, anthropic=True),
    _gives(
        "DELETE /messages/batches/msgbatch_1",
        DeletedMessageBatch,
        {"id": "msgbatch_1", "type": "message_batch_deleted"},
        anthropic=True,
    ),
    _gives("POST /files", BetaFileMetadata, _CLAUDES_FILE, anthropic=True),
    _gives(
        "DELETE /files/file_1",
        BetaDeletedFile,
        {"id": "file_1", "type": "file_deleted"},
        anthropic=True,
    ),
)
