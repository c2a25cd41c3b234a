"""What a sweep found, in sentences."""

from collections.abc import Iterable, Mapping
from typing import Any

from distill import formatting
from distill.evaluation.metric_names import differing_metric, spoken
from distill.sweep.likeness import sentence_of


def spoken_name(point: str) -> str:
    """A point's name in a sentence: width 0.5, resolution 96."""
    return point.replace("=", " ").replace(",", ", ")


def within_words(content: Mapping[str, Any]) -> list[str]:
    """The smallest student within 1, 2 and 5 points of the teacher, a sentence each where there is one; where the
    teacher or every student is at chance, that nearness says nothing.

    Args:
        content: of sweep.json.
    """
    teacher, metric = content["teacher"], content["metric"]
    if content["within"] and (blind := _blind(content)):
        return [f"{blind} no better than chance, so which student is how near to it says nothing."]
    rows = {row["name"]: row for row in content["points"]}
    missed = [points for points, name in content["within"].items() if name is None]
    sentences = [f"No student is within {_points(missed[-1])} of the teacher."] if missed else []
    for points, name in content["within"].items():
        if name is None:
            continue
        student = rows[name]["student"]
        sentence = f"The smallest student within {_points(points)} of the teacher is {spoken_name(name)}: "
        sentence += f"{metric} {formatting.score(student['metrics'][metric])}"
        difference = student.get("difference")
        if difference and differing_metric(difference) == metric:  # of LFW's pairs it is of the accuracy
            sentence += f", {formatting.signed(difference[differing_metric(difference)])} "
            sentence += f"{formatting.interval(difference['interval'])} from the teacher's"
        sentence += f", {formatting.magnitude(student['mult_adds'])} mult-adds"
        if teacher["mult_adds"]:
            sentence += f", {formatting.per_cent(student['mult_adds'] / teacher['mult_adds'])} of the teacher's"
        sentences.append(sentence + ".")
    return sentences


def _blind(content: Mapping[str, Any]) -> str | None:
    """Who is at chance, where that leaves nothing to compare."""
    if content["teacher"].get("at_chance"):
        return "The teacher is"
    students = [row["student"] for row in content["points"] if row["state"] == "done"]
    return "Every student of the teacher is" if all(one.get("at_chance") for one in students) else None


def _points(number: str) -> str:
    return f"{number} point" if number == "1" else f"{number} points"


def difference_rows(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The paired differences between points: `first`, `second`, `metric`, `value`, `interval`."""
    rows = []
    for pair in content["differences"]:
        names = {key: pair[key] for key in ("first", "second")}
        metric = differing_metric({key: value for key, value in pair.items() if key not in names})
        rows.append({**names, "metric": metric, "value": pair[metric], "interval": pair["interval"]})
    return rows


def learnt_both_ways(points: Iterable[Mapping[str, Any]]) -> bool:
    """Whether those that learnt from labels are there to compare the teacher's students with."""
    return {"teacher", "labels"} <= {row["learnt_from"] for row in points}


def at_chance_words(content: Mapping[str, Any]) -> list[str]:
    """A sentence on the students whose scores are those of blind guesses, where there are some."""
    rows = [row for row in content["points"] if row["state"] == "done" and row["student"].get("at_chance")]
    if not rows:
        return []
    names = "; ".join(spoken_name(row["name"]) for row in rows)
    chances = sorted(row["student"]["by_chance"] for row in rows)  # of boxes each student has its own
    ends = dict.fromkeys(f"{chance:.3f}" for chance in (chances[0], chances[-1]))
    return [f"Within chance of blind guesses ({' to '.join(ends)}), so that they say nothing: {names}."]


def timing_words(content: Mapping[str, Any]) -> list[str]:
    """What speaks against latencies, and which are therefore not plotted, in sentences."""
    sentences = [f"Latencies: {doubt}." for doubt in content.get("timing_doubts", ())]
    uncertain = [
        f"{spoken_name(row['name'])} {file['format']}"
        for row in content["points"]
        for file in row.get("exports", ())
        if file.get("latency_uncertain")
    ]
    if uncertain:
        sentences.append(f"Not plotted, for turns of timing differ too widely: {'; '.join(uncertain)}.")
    return sentences


def headline(content: Mapping[str, Any]) -> str:
    """What was trained, in a sentence; before it, where students on labels were trained otherwise, what differs."""
    unlike = sentence_of(content.get("unlike", ())) if learnt_both_ways(content["points"]) else ""
    return f"{unlike} {_trained(content)}".lstrip()


def _trained(content: Mapping[str, Any]) -> str:
    done = [row for row in content["points"] if row["state"] == "done"]
    compared = [row for row in done if row["learnt_from"] == "teacher"] or done
    if not compared:
        return "No student is finished yet."
    metric = content["metric"]
    best = max(compared, key=lambda row: row["student"]["metrics"][metric])["student"]
    students = f"{len(compared)} students" if len(compared) > 1 else "One student"
    costs = sorted(row["student"]["mult_adds"] for row in compared)
    least, most = formatting.magnitude(costs[0]), formatting.magnitude(costs[-1])
    sentence = f"{students}{' of one teacher' if compared[0]['learnt_from'] == 'teacher' else ''} "
    sentence += f"from {least} to {most} mult-adds" if least != most else f"of {most} mult-adds"
    sentence += f"; the best reaches {spoken(metric, best['metrics'][metric])}"
    if content["teacher"]:
        sentence += f", the teacher {content['teacher']['metrics'][metric]:.3f}"
    return sentence + "."
