INSERT INTO schema_version (version) VALUES (1);

INSERT INTO price_tables (made_at, prices)
VALUES (1795608000.0, '{"openai/gpt-4o":{"variants":[{"rates":{"input":2e-6,"output":8e-6,"cached":5e-7}}]}}');

INSERT INTO price_tables (made_at, prices)
VALUES (1795608000.0, '{"gwdg_saia/llama-3.3-70b":{"variants":[{"rates":{"input":0.0,"output":0.0}}]},"openai/gpt-4o":{"variants":[{"rates":{"input":2e-6,"output":8e-6,"cached":5e-7}}]}}');

INSERT INTO requests (request_id, at, alias, asked, endpoint, stream, status, outcome, served_by, first_link, fell_back, elapsed_ms, first_content_ms, caller, project, pid, process)
VALUES ('req_000000000000000000000001', 1795608000.0, 'default', 'default', '/v1/chat/completions', false, 200, 'answered', 'openai/gpt-4o', 'openai/gpt-4o', false, 130.0, 50.0, 'openai-python', '', NULL, NULL);

INSERT INTO requests (request_id, at, alias, asked, endpoint, stream, status, outcome, served_by, first_link, fell_back, elapsed_ms, first_content_ms, caller, project, pid, process)
VALUES ('req_000000000000000000000002', 1795608000.0, 'default', 'default', '/v1/chat/completions', false, 200, 'answered', 'gwdg_saia/llama-3.3-70b', 'openai/gpt-4o', true, 130.0, 50.0, 'openai-python', 'thesis', 77, 'python3');

INSERT INTO requests (request_id, at, alias, asked, endpoint, stream, status, outcome, served_by, first_link, fell_back, elapsed_ms, first_content_ms, caller, project, pid, process)
VALUES ('req_000000000000000000000003', 1795611600.25, 'it''s näme', 'default', '/v1/chat/completions', true, 200, 'answered', 'openai/gpt-4o', 'openai/gpt-4o', false, 130.0, 50.0, 'openai-python', '', NULL, NULL);

INSERT INTO requests (request_id, at, alias, asked, endpoint, stream, status, outcome, served_by, first_link, fell_back, elapsed_ms, first_content_ms, caller, project, pid, process)
VALUES ('req_000000000000000000000004', 1795608000.0, 'default', 'default', '/v1/chat/completions', false, 429, 'failed', '', 'openai/gpt-4o', false, 9.5, NULL, 'openai-python', '', NULL, NULL);

INSERT INTO calls (request_id, at, attempt, link, provider, model, lane, status, kind, complete, cancelled, maybe_charged, elapsed_ms, first_content_ms, fresh, cached, written, written_1h, output, reasoning, counted, tier, price_version, raw_usage)
VALUES ('req_000000000000000000000001', 1795608000.0, 1, 1, 'openai', 'gpt-4o', 'direct', 200, '', true, false, false, 120.0, 40.0, 900, 100, 0, 0, 100, 0, true, '', 1, '{"prompt_tokens":1000,"completion_tokens":100}');

INSERT INTO calls (request_id, at, attempt, link, provider, model, lane, status, kind, complete, cancelled, maybe_charged, elapsed_ms, first_content_ms, fresh, cached, written, written_1h, output, reasoning, counted, tier, price_version, raw_usage)
VALUES ('req_000000000000000000000002', 1795608000.0, 1, 1, 'openai', 'gpt-4o', 'direct', 429, 'throttle', false, false, false, 120.0, 40.0, 0, 0, 0, 0, 0, 0, false, '', 1, NULL);

INSERT INTO calls (request_id, at, attempt, link, provider, model, lane, status, kind, complete, cancelled, maybe_charged, elapsed_ms, first_content_ms, fresh, cached, written, written_1h, output, reasoning, counted, tier, price_version, raw_usage)
VALUES ('req_000000000000000000000002', 1795608000.0, 2, 2, 'gwdg_saia', 'llama-3.3-70b', 'direct', 200, '', true, false, false, 120.0, 40.0, 700, 0, 0, 0, 50, 20, true, '', 1, '{"prompt_tokens":1000,"completion_tokens":100}');

INSERT INTO calls (request_id, at, attempt, link, provider, model, lane, status, kind, complete, cancelled, maybe_charged, elapsed_ms, first_content_ms, fresh, cached, written, written_1h, output, reasoning, counted, tier, price_version, raw_usage)
VALUES ('req_000000000000000000000003', 1795611600.5, 1, 1, 'openai', 'gpt-4o', 'direct', 200, '', true, false, false, 120.0, 40.0, 1000, 0, 0, 0, 100, 0, true, '', 2, '{"prompt_tokens":1000,"completion_tokens":100}');

INSERT INTO calls (request_id, at, attempt, link, provider, model, lane, status, kind, complete, cancelled, maybe_charged, elapsed_ms, first_content_ms, fresh, cached, written, written_1h, output, reasoning, counted, tier, price_version, raw_usage)
VALUES ('req_000000000000000000000004', 1795608000.0, 1, 1, 'openai', 'gpt-4o', 'direct', NULL, 'server', false, false, false, 120.0, 40.0, 0, 0, 0, 0, 0, 0, false, '', 2, NULL);

INSERT INTO totals (slot, alias, provider, model, caller, project, kind, first_link, tier, over, price_version, requests, failed, fell_back, calls, calls_failed, rescues, uncounted, fresh, cached, written, written_1h, output, reasoning)
VALUES (1995120, 'default', 'gwdg_saia', 'llama-3.3-70b', 'openai-python', 'thesis', '', 'openai/gpt-4o', '', 0, 1, 1, 0, 1, 1, 0, 1, 0, 700, 0, 0, 0, 50, 20);

INSERT INTO totals (slot, alias, provider, model, caller, project, kind, first_link, tier, over, price_version, requests, failed, fell_back, calls, calls_failed, rescues, uncounted, fresh, cached, written, written_1h, output, reasoning)
VALUES (1995120, 'default', 'openai', 'gpt-4o', 'openai-python', '', '', 'openai/gpt-4o', '', 0, 1, 1, 0, 0, 1, 0, 0, 0, 900, 100, 0, 0, 100, 0);

INSERT INTO totals (slot, alias, provider, model, caller, project, kind, first_link, tier, over, price_version, requests, failed, fell_back, calls, calls_failed, rescues, uncounted, fresh, cached, written, written_1h, output, reasoning)
VALUES (1995120, 'default', 'openai', 'gpt-4o', 'openai-python', 'thesis', 'throttle', 'openai/gpt-4o', '', 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);

INSERT INTO totals (slot, alias, provider, model, caller, project, kind, first_link, tier, over, price_version, requests, failed, fell_back, calls, calls_failed, rescues, uncounted, fresh, cached, written, written_1h, output, reasoning)
VALUES (1995120, 'default', 'openai', 'gpt-4o', 'openai-python', '', 'server', 'openai/gpt-4o', '', 0, 2, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);

INSERT INTO totals (slot, alias, provider, model, caller, project, kind, first_link, tier, over, price_version, requests, failed, fell_back, calls, calls_failed, rescues, uncounted, fresh, cached, written, written_1h, output, reasoning)
VALUES (1995124, 'it''s näme', 'openai', 'gpt-4o', 'openai-python', '', '', 'openai/gpt-4o', '', 0, 2, 1, 0, 0, 1, 0, 0, 0, 1000, 0, 0, 0, 100, 0);
