import pytest

from agentbox_cli.config.document import parse
from agentbox_cli.config.problems import Issue, Problem, Severity, locate, render, render_one


def problem_at(text: str, *path: str | int, on_key: bool = False) -> Problem:
    issue = Issue(path=path, message="wrong", on="key" if on_key else "value")
    (problem,) = locate(parse(text, "config.yml"), [issue])
    return problem


def marks(text: str, *path: str | int, on_key: bool = False) -> str:
    return "\n".join(
        render_one(problem_at(text, *path, on_key=on_key), "config.yml").split("\n")[1:]
    )


def test_a_problem_is_shown_with_place_line_mark_and_hint() -> None:
    issue = Issue(
        path=("litellm", "prot"),
        message="unknown key 'prot'; did you mean 'port'?",
        hint="the port is a number",
        on="key",
    )
    problems = locate(parse("litellm:\n  prot: 4000 # x\n", "config.yml"), [issue])
    assert render(problems, "config.yml") == (
        "config.yml:2:3: error: litellm.prot: unknown key 'prot'; did you mean 'port'?\n"
        " 2 |   prot: 4000 # x\n"
        "   |   ^^^^\n"
        " hint: the port is a number"
    )


def test_the_value_is_marked_unless_the_key_is_at_fault() -> None:
    text = "a:\n  b: [1, 22]\n"
    assert marks(text, "a", "b") == " 2 |   b: [1, 22]\n   |      ^^^^^^^"
    assert marks(text, "a", "b", 1) == " 2 |   b: [1, 22]\n   |          ^^"
    assert marks(text, "a", "b", on_key=True) == " 2 |   b: [1, 22]\n   |   ^"


def test_a_missing_key_is_marked_at_the_section_that_misses_it() -> None:
    assert marks("a:\n  b: 1\n", "a", "c") == " 1 | a:\n   | ^"
    assert marks("a:\n  - b: 1\n    c: 2\n", "a", 0, "d") == " 2 |   - b: 1\n   |     ^^^^"


def test_an_empty_value_is_marked_at_its_key() -> None:
    assert marks("abc:   # x\n", "abc") == " 1 | abc:   # x\n   | ^^^"


def test_a_section_is_marked_in_its_first_line_only() -> None:
    assert marks("a:\n  bb: 1\n  cc: 2\n", "a") == " 2 |   bb: 1\n   |   ^^^^^"


def test_an_empty_document_has_a_place_but_no_excerpt() -> None:
    assert render([problem_at("", "a")], "config.yml") == "config.yml:1:1: error: a: wrong"


def test_marks_stand_below_wide_and_combining_characters_and_tabs() -> None:
    assert marks("漢字: 😀x\n", "漢字") == " 1 | 漢字: 😀x\n   |       ^^^"
    assert marks("e\u0301: 1\n", "e\u0301").endswith("|    ^")
    assert marks('a: ["\tb", 1]\n', "a", 1).split("\n")[1] == "   |" + " " * 14 + "^"


def test_a_long_line_is_shown_around_its_mark() -> None:
    text = f"a: [{'x, ' * 200}HERE, {'y, ' * 200}z]\n"
    shown, carets = marks(text, "a", 200).split("\n")
    assert shown.count("...") == 2
    assert shown[carets.index("^") : carets.rindex("^") + 1] == "HERE"
    assert len(shown) < 120


def test_a_long_value_at_the_start_of_its_line_is_cut_at_the_end_only() -> None:
    shown, carets = marks(f"a: {'x' * 500}\n", "a").split("\n")
    assert shown.startswith(" 1 | a: xxx")
    assert shown.endswith("...")
    assert len(carets) <= len(shown)


def test_problems_stand_in_the_order_of_the_text() -> None:
    issues = [Issue(path=(key,), message="wrong") for key in "cab"]
    problems = locate(parse("a: 1\nb: 2\nc: 3\n", "c"), issues)
    assert [problem.path for problem in problems] == ["a", "b", "c"]


def test_a_document_s_own_faults_are_problems() -> None:
    (problem,) = locate(parse("litellm:\n\tport: 1\n", "c"), [])
    assert (problem.line, problem.column, problem.severity) == (2, 1, Severity.ERROR)


def test_no_more_problems_are_shown_than_asked_for() -> None:
    issues = [Issue(path=(), message=f"number {n}") for n in range(25)]
    text = render(locate(parse("a: 1\n", "c"), issues), "c")
    assert text.count("error:") == 20
    assert text.endswith("\nand 5 more")


def test_columns_do_not_count_a_byte_order_mark() -> None:
    problem = problem_at("\ufeffa: 1\n", "a")
    assert (problem.column, problem.excerpt) == (4, "a: 1")


def test_control_characters_of_a_file_do_not_reach_the_terminal() -> None:
    text = render(locate(parse("a: \x1b[2J\u202e\n", "c"), []), "c")
    assert "\x1b" not in text
    assert "\u202e" not in text


SECRET = "correct-horse"


@pytest.mark.parametrize(
    "text",
    [
        f"litellm: {{providers: {{x: {{api_key: {SECRET}}}}}}}\n",
        f"litellm: {{providers: {{x: {{api_key: '${{A}}{SECRET}'}}}}}}\n",
        f"litellm: {{providers: {{x: {{headers: {{x-any: {SECRET}}}}}}}}}\n",
        f"litellm: {{providers: {{x: {SECRET}}}}}\n",
        f"litellm: {{providers: {{x: {{api_key: {{{SECRET}: 1}}}}}}}}\n",
        f"litellm: {{providers: {{x: {{api_key: [{SECRET}]}}}}}}\n",
        f"litellm: {{providers: {{x: {{api_kye: {SECRET}}}}}}}\n",
        f"litellm: {{providers: [{SECRET}]}}\n",
        f"litellm: {{x: {{token: {SECRET}}}}}\n",
        f"{{other: {{smtp_password: {SECRET}}}, litellm: 1}}\n",
        f"{{base: &k {SECRET}, litellm: {{providers: {{x: {{api_key: *k}}}}}}}}\n",
        "litellm: {providers: {x: {api_base: 'https://me:correct-horse@host/v1'}}}\n",
        "litellm: {allowed_hosts: [sk-correct-horse]}\n",
        "litellm: {allowed_hosts: ['Bearer correct-horse']}\n",
    ],
)
def test_a_key_in_the_clear_is_masked_in_place(text: str) -> None:
    problem = problem_at(text, "litellm")
    assert SECRET not in repr(problem)
    assert len(problem.excerpt) == len(text) - 1


def test_a_key_over_several_lines_is_masked_in_each() -> None:
    text = "litellm:\n  providers:\n    x:\n      api_key: |\n        ${correct\n        -horse\n"
    document = parse(text, "c")
    (problem,) = locate(
        document, [Issue(path=("litellm", "providers", "x", "api_key"), message="m")]
    )
    assert problem.excerpt == "      api_key: *"


@pytest.mark.parametrize(
    "text",
    [
        f"litellm:\n  providers: {{x: {{api_key: '{SECRET}\n",
        f"litellm:\n  x-api-key: {SECRET}: x\n",
        f"litellm:\n  headers:\n    x: {SECRET}: x\n",
        f"litellm:\n  providers:\n    x:\n      api_kye: {SECRET}: x\n",
        f"litellm:\n  providers:\n    x:\n      api_key:\n{SECRET}\n",
        f"litellm:\n  providers:\n    x:\n      api_key: '\n {SECRET}\n",
        f"litellm:\n  x:\n    api_key:\n\n {SECRET}\n",
        f"litellm:\n  x:\n    api_key:a'\n {SECRET}\n",
        f"litellm:\n  Authorization: {SECRET}\t\n",
        "a: 5ba2f0d1c3e4f5a6b7c8d9e0: x\n",
        "a: sk-correct-horse: x\n",
    ],
)
def test_a_key_in_a_broken_text_is_masked_too(text: str) -> None:
    (problem,) = locate(parse(text, "c"), [])
    assert SECRET not in repr(problem)
    assert "5ba2f0d1c3e4f5a6b7c8d9e0" not in repr(problem)
    assert "*" in problem.excerpt


def test_references_names_and_numbers_are_not_masked() -> None:
    text = (
        "litellm: {providers: {x: {api_key: '${A}', api_base: 'http://h', headers: {a: $${}}}, "
        "b: {max_tokens: true, token: null}}\n"
    )
    text = text.replace("headers: {a: $${}", "headers: {a: '${B}'}")
    assert problem_at(text, "litellm").excerpt == text.rstrip("\n")


def test_a_key_that_a_misplaced_quote_made_part_of_a_name_is_not_shown() -> None:
    name = f"x: api_key: {SECRET}"
    text = f'litellm:\n  "{name}": 1\n'
    (problem,) = locate(parse(text, "c"), [Issue(path=("litellm", name), message="no", on="key")])
    assert problem.path == 'litellm."x..."'
    assert SECRET not in repr(problem)


def test_a_key_in_a_section_that_is_a_name_is_masked() -> None:
    text = f"litellm: {{? {{api_key: {SECRET}}} : 1}}\n"
    assert SECRET not in repr(problem_at(text, "litellm"))


def test_a_reference_in_a_broken_text_is_not_masked() -> None:
    (problem,) = locate(parse("api_key: ${A}\t# note\n", "c"), [])
    assert problem.excerpt == "api_key: ${A}\t# note"


@pytest.mark.parametrize("line", ["api_base: http://h: x", "y: ", "# note: x"])
def test_a_harmless_line_of_a_broken_text_is_not_masked(line: str) -> None:
    text = f"litellm:\n  providers:\n    x:\n      {line}\t"
    (problem,) = locate(parse(f"{text}\n" if line[0] != "#" else f"{text}\x00", "c"), [])
    assert problem.excerpt.strip("\t\ufffd ") == line.strip()


def test_a_key_used_as_a_name_is_kept_out_of_path_and_message() -> None:
    issue = Issue(
        path=("litellm", "sk-correct-horse"),
        message="unknown 'sk-correct-horse'",
        hint="no",
        on="key",
    )
    (problem,) = locate(parse("litellm: {sk-correct-horse: 1}\n", "c"), [issue])
    assert "horse" not in repr(problem)
