"""What providers call what went wrong: their codes, and patterns of their words.

Collected from OpenAI, Azure, Anthropic, Gemini, vLLM, SGLang, TGI, llama.cpp, LM Studio, Ollama,
Mistral, Groq, DeepSeek, xAI, Together, OpenRouter, Bedrock, Cohere, Kong and LiteLLM. Which of
them counts under which status is said in `rules.py`.
"""

CONTEXT_CODES = frozenset(
    {
        "context_length_exceeded",
        "context_window_exceeded",
        "context_window_error",
        "exceed_context_size_error",
        "model_max_prompt_tokens_exceeded",
        "prompt_too_long",
        "request_too_large",
        "string_above_max_length",
        "tokens_limit_reached",
    }
)
# Certain enough to be believed under a 429. A request that alone exceeds the tokens per minute
# never succeeds by waiting, and a cooldown would only keep shorter ones away: it is too long.
CONTEXT_CERTAIN = (
    r"request too large for",
    r"maximum context length",
    r"prompt is too long",
    r"extra usage is required for long context",
    r"ContextWindowExceeded",
)
# Go programs say "context deadline exceeded" of a timeout.
_LENGTH = r"(?:context(?! (?:deadline|cancell?ed))|input|prompt)"
_MEASURED = r"(?:(?: tokens?| length| text)?(?: \([^()]{1,40}\))?)"
_EXCEEDS = r"(?:exceeds?|exceeded|exceeding)"
CONTEXT_WORDS = (
    *CONTEXT_CERTAIN,
    r"(?:model's|maximum|available) (?:context|prompt|model|input) (?:length|size|window)",
    r"exceed\w*\b.{0,60}?\bcontext(?! (?:deadline|cancell?ed))",
    rf"{_LENGTH}\b.{{0,60}}?\b{_EXCEEDS}\b.{{0,60}}?\b(?:limit|max(?:imum)?|tokens?|length)\b",
    r"exceed\w*\b.{0,40}?\btoken limit",
    r"context (?:length|window|size|limit)\b.{0,40}?\b(?:exceed|overflow|too)",
    rf"{_LENGTH}{_MEASURED}? (?:is |are )?too (?:long|large)",
    r"too many (?:input |prompt |total )?(?:tokens|text bytes)",
    r"too large for (?:the )?model",
    r"(?:reduce|shorten|decrease) (?:the length of )?(?:the |your )?(?:message|prompt|input)s?\b",
    r"must have less than \d+ tokens",
    r"`?inputs`? tokens \+ `?max_new_tokens`? must be",
    r"(?:greater|longer) than the (?:\w+ )?(?:context|model) length",
    r"cannot exceed \d+.{0,40}received \d+",
    r"string too long\. Expected a string with maximum length",
    r"payload size exceeds the limit",
    # vLLM subtracts the prompt from the window, and asks for what is left of it.
    r"max_tokens must be at least 1, got -",
    r"context the overflows|context overflow",
    r"n_keep\b.{0,40}?\bn_ctx",
)

QUOTA_CODES = frozenset(
    {
        "access_terminated_error",
        "billing_hard_limit_reached",
        "billing_not_active",
        "budget_exceeded",
        "credit_exhausted",
        "credit_limit",
        "credits_exhausted",
        "exceeded_current_quota_error",
        "insufficient_balance",
        "insufficient_credits",
        "insufficient_quota",
        "insufficient_user_quota",
        "payment_required",
        "quota_exceeded",
        "usage_limit_reached",
        "usage_not_included",
    }
)
# A day's quota does not heal in a minute, even if Gemini names one to come back in.
QUOTA_OF_A_DAY = (
    r"PerDay(?:Per|-|\b)",
    r"quota exceeded for\b.{0,200}?[ _]per[ _]day",
)
QUOTA_WORDS = (
    r"exceeded your current quota",
    r"quota\b.{0,40}?\b(?:has been )?exceeded for this month",
    r"out of call volume quota",
    r"reached your (?:\w+ )?usage limit",
    r"(?:credit|key) limit exceeded",
    r"insufficient[_ ](?:quota|balance|credits?|funds)",
    r"billing (?:hard )?limit",
    r"(?:credits?|quota|balance)\b.{0,40}?\b(?:exhausted|depleted|used up|run out)",
    r"(?:out of|run out of|ran out of|no more) (?:credits?|quota|funds)",
    r"credit balance is too low",
    r"monthly (?:usage |spend(?:ing)? |token )?(?:limit|quota|budget)",
    r"spend(?:ing)? (?:limit|cap)",
    r"(?:specified|monthly) (?:workspace )?API usage limits",
)
PAYMENT_WORDS = (
    *QUOTA_WORDS,
    r"limits? exceeded\b.{0,200}?create a key with a higher",
    r"billing (?:is )?not (?:active|enabled)",
    r"account is not active, please check your billing",
    r"doesn't have any credits",
    r"(?:purchase|buy|add) (?:more |some )?credits",
    r"payment (?:is )?required",
    r"in arrears|overdue[- ]payment",
)

# The account, not the request: asking again is of no use.
FORBIDDEN_CODES = frozenset(
    {
        "access_denied",
        "consumer_suspended",
        "model_permission_blocked_org",
        "model_terms_required",
        "organization_restricted",
        "unsupported_country_region_territory",
    }
)
FORBIDDEN_WORDS = (
    r"location is not supported",
    r"(?:organization|account|workspace) has been (?:disabled|restricted|suspended|deactivated)",
    r"requires terms acceptance",
    r"credential is only authorized for",
)

POLICY_CODES = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        "contentpolicyviolation",
        "content_moderation",
        "data_inspection_failed",
        "datainspectionfailed",
        "moderation_blocked",
        "prohibited_content",
        "responsibleaipolicyviolation",
        "safety_violation",
        "sensitive_words_detected",
    }
)
POLICY_WORDS = (
    r"content[_ ](?:management |moderation |filtering )?policy",
    r"content (?:was |has been )?(?:blocked|filtered|flagged)",
    r"content[_ ]filter",
    r"blocked by (?:\w+ ){0,3}(?:filter|safety|moderation|guardrail)",
    r"(?:input|prompt|request|output|response)\b.{0,40}?\bflagged",
    r"safety (?:system|filter|policy|settings)",
    r"responsible ai",
    r"usage polic(?:y|ies)",
    r"inappropriate content",
    r"content exists risk",
    r"PROHIBITED_CONTENT",
    r"ContentPolicyViolation",
)

AUTH_CODES = frozenset(
    {"api_key_invalid", "authentication_error", "invalid_api_key", "unauthenticated"}
)
AUTH_WORDS = (
    r"(?:invalid|incorrect|wrong|missing|expired) api[ _-]?key",
    r"api[ _-]?key (?:is |was )?(?:not valid|invalid|incorrect|expired|missing|not found)",
    r"no api[ _-]?key (?:found|provided|passed)|no auth credentials found",
    r"\Aunauthorized\b",
)
AUTH_WORDS_OF_403 = (
    *AUTH_WORDS,
    r"api[ _-]?key was reported as leaked",
    r"unregistered callers",
)

MISSING_MODEL_CODES = frozenset(
    {
        "deploymentnotfound",
        "invalid_model",
        "invalid_model_name",
        "model_decommissioned",
        "model_not_available",
        "model_not_exist",
        "model_not_found",
        "modelnotfound",
        "not_found_error",
        "notfounderror",
        "unknown_model",
    }
)
MISSING_MODEL_WORDS = (
    r"\bmodel\b.{0,120}?\b(?:does not exist|not exist|not found|is not available)",
    r"\bmodel\b.{0,120}?\bhas been (?:deprecated|decommissioned|retired|removed)",
    r"(?:unknown|invalid|no such|nonexistent) model\b(?! parameter)",
    r"is not a valid model",
    r"model identifier is invalid",
    r"no models? (?:is |are )?(?:currently )?loaded",
)

# Local servers say in a 400 that they, and not the request, are broken.
BROKEN_WORDS = (
    r"\bmodel (?:has |was |is )?(?:been )?(?:unloaded|crashed)\b",
    r"failed to load (?:the )?model",
    r"unexpected server status",
    r"runner process (?:has )?terminated",
)

UNSUPPORTED_CODES = frozenset(
    {
        "json_validate_failed",
        "not_supported_error",
        "operationnotsupported",
        "tool_use_failed",
        "unknown_parameter",
        "unsupported_api_for_model",
        "unsupported_content_type",
        "unsupported_model",
        "unsupported_parameter",
        "unsupported_value",
        "model_not_supported",
        "notimplementederror",
    }
)
UNSUPPORTED_WORDS = (
    r"(?:does not|doesn't|do not|don't|cannot) support",
    r"(?:not|only|isn't|aren't|un)[ -]?supported",
    r"unrecognized request argument",
    r"unknown (?:parameter|variant `image)",
    r"extra (?:inputs|fields) (?:are )?not permitted",
    r"not a multimodal model",
    r"at most 0 (?:image|audio|video)",
    r"tool choice requires",
    r"requires --enable-auto-tool-choice",
    r"not available (?:for|with) this model",
    r"supports at most \d+ completion tokens",
    r"maximum allowed number of output tokens",
    r"is not enabled for",
    r"valid range of max_tokens",
    r"does not work with the specified model",
    r"cannot both be specified",
    r"default chat template is no longer allowed",
)
# What servers that were started without it say in a 500.
LACKING_WORDS = (
    r"requires? --(?:jinja|enable-auto-tool-choice)",
    r"unsupported param: tools",
    r"image input is not supported",
    r"missing data required for image input",
    r"(?:model|server) does not support (?:tools|images|embeddings|image input)",
)
