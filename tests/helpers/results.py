"""What results.json holds of a run with all its parts, under names that a page must not believe."""

from typing import Any

from distill.report.results import VERSION

HOSTILE = "<script>alert('$x^{')</script>"
CLASSES = ["Bald", "Smiling", HOSTILE]


def scored(name: str, precision: float) -> dict[str, Any]:
    return {
        "name": name,
        "parameters": 4_230_000,
        "mult_adds": 569_000_000,
        "metrics": {"mAP": precision, "accuracy": 0.9012},
        "intervals": {"mAP": [precision - 0.01, precision + 0.01], "accuracy": [0.8911, 0.9113]},
        "counts": {"pictures": 1234, "positives": {"Bald": 57, "Smiling": 611, HOSTILE: 99}},
        "split": "test",
        "per_class": {
            "Smiling": {"ap": precision + 0.2, "interval": [0.71, 0.93], "positives": 611, "negatives": 623},
            HOSTILE: {"ap": precision - 0.2, "interval": [0.31, 0.53], "positives": 99, "negatives": 1135},
        },
        "unmeasured": ["Bald"],
    }


def full_results() -> dict[str, Any]:
    student = scored("mobilenet_v1_0.25_96", 0.6312) | {"parameters": 259_000, "mult_adds": 8_300_000}
    student["difference"] = {"mAP": -0.0107, "interval": [-0.0163, -0.0051]}
    return {
        "version": VERSION,
        "recipe": "face_attributes",
        "seed": 7,
        "device": "cpu",
        "data": {
            "name": "celeba",
            "fingerprint": "0a1b2c",
            "counts": {"train": 8432, "validation": 1048, "test": 1234},
            "left_out": 3,
            "duplicates": 1105,
            "classes": CLASSES,
        },
        "teacher": scored("mobilenetv2_100", 0.6419),
        "student": student,
        "input": {
            "height": 96,
            "width": 90,
            "interpolation": "bicubic",
            "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225],
            "picture": [64, 60],
            "fit": "crop",
        },
        "cut_offs": {"said": "From there on", "values": {"Smiling": 0.31, HOSTILE: 0.7}},
        "agreement": {
            "transfer": {"bernoulli_kl": 0.8123, "equal_decisions": 0.9511, "spearman": None, "pictures": 500},
            "test": {"bernoulli_kl": 1.2345, "equal_decisions": 0.9322, "spearman": 0.8877, "pictures": 1234},
        },
        "exports": [
            {
                "format": "onnx-int8",
                "file": "student.onnx",
                "sha256": {"student.onnx": "0" * 64},
                "bytes": 1_920_000,
                "metrics": {"mAP": 0.6311},
                "intervals": {"mAP": [0.6201, 0.6401]},
                "counts": {"pictures": 1234},
                "split": "test",
                "passed": False,
                "tolerance": 0.1,
                "difference": {"mAP": -0.0001, "interval": [-0.0002, 0.0001]},
                "largest_difference": 0.0213,
                "cosine": 0.9871,
                "latency_ms": {"1": 4.5678, "2": 2.5},
                "latency_spread_ms": {"1": [4.5, 4.75], "2": [2.25, 2.5]},
                "latency_doubts": ["the machine was <busy>"],
                "share_of_peak": 0.805,
                "why": ["an answer differs by 0.021"],
                "offenders": ["Smiling -1.2", HOSTILE],
                "limits": "any batch",
                "adapted": {"steps": 200, "before": {"mAP": -0.0312, "interval": [-0.04, -0.02]}},
            },
            {
                "format": "coreml",
                "file": "student.mlpackage",
                "sha256": {},
                "bytes": 1_000_000,
                "metrics": {},
                "intervals": {},
                "passed": None,
                "tolerance": 0.1,
                "why": ["not run: it needs another system"],
                "limits": "converted, not run",
            },
        ],
        "stages": [
            {"name": "prepare", "pictures": 500, "seconds": 4.25, "split": "validation", "metrics": {}},
            {
                "name": "transfer",
                "pictures": 9000,
                "seconds": 185.0,
                "split": "validation",
                "metrics": {"val_mAP": 0.62519},
            },
        ],
        "seeds": {"mAP": {"mean": 0.6299, "spread": 0.0021, "values": [0.6312, 0.6286]}},
    }
