"""Questions told apart from what they have in common."""

from batchconsole.records.question_parts import Parts, split_questions


def test_what_all_questions_begin_and_end_with_is_told_apart() -> None:
    questions = [f"Read this short review: {text}\nAnswer with one of good and bad." for text in ("Fine", "It broke")]
    found = split_questions(questions)
    assert found == Parts("Read this short review: ", "\nAnswer with one of good and bad.", ["Fine", "It broke"])


def test_words_are_not_cut() -> None:
    found = split_questions(["Tell me of the town of Newcastle", "Tell me of the town of Newport"])
    assert found == Parts("Tell me of the town of ", "", ["Newcastle", "Newport"])


def test_short_or_equal_questions_stay_whole() -> None:
    assert split_questions(["Hi Ann", "Hi Bob"]) == Parts("", "", ["Hi Ann", "Hi Bob"])
    assert split_questions(["The same question in both"] * 2).before == ""
    assert split_questions([]) == Parts("", "", [])


def test_the_beginning_and_the_end_do_not_overlap() -> None:
    long = "The same words again and again. "
    found = split_questions([long, long * 2])
    assert [found.before + own + found.after for own in found.own] == [long, long * 2]
