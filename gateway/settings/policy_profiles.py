"""Policies that ship with Sluice, as an operator would write them; a table of the same name in the settings wins.

``minors``, for end users under 18. The Regulations on the Protection of Minors Online (State Council order 766, in
force since 2024-01-01) name in article 22 pornography, violence, gambling and what leads to self-harm or suicide; the
Personal Information Protection Law counts all data of children under 14 as sensitive (article 28). So what other
policies only flag in these classes is blocked, personal data does not reach the model, and whoever speaks of harming
themselves is answered by people's words and numbers: 12355 is the youth helpline, 12356 the one for mental health.

``code``, for programs that write code. Masks are what hurts there: a masked name is another name, and the program
does not run. So the classes whose terms are masked are flagged (names such as `guido` are among them), and keys in
what is read from a project stay here, behind placeholders. Every other class is as in `default`, and tool definitions
are read: whoever can write one could hide a prompt in it.
"""

from collections.abc import Mapping
from typing import Any

MINORS = "minors"
CODE = "code"

_FOR_MINORS = {
    "zh": "这个话题不适合在这里聊。有疑问可以问问家长或老师。",
    "en": "This is not something to talk about here. If you have a question, ask a parent or a teacher.",
}
_FOR_MINORS_AT_RISK = {
    "zh": "听起来你现在可能很难受，你不是一个人。请马上告诉你信任的大人，"
    "或拨打12355青少年服务热线、12356心理援助热线；如有危险，请立即拨打120或110。",
    "en": "It sounds as if you are going through a hard time, and you are not alone. Please tell an adult you trust"
    " right away, or call 12355 (youth helpline) or 12356 (mental health, in China); in danger, call 120 or 110.",
}

SHIPPED: Mapping[str, Mapping[str, Any]] = {
    MINORS: {
        "answer": _FOR_MINORS,
        "request": {"personal_data": "restore"},
        "response": {"personal_data": "mask"},
        "risks": {
            "A.1.d": {"action": "block"},
            "A.1.f": {"action": "block"},
            "A.1.h": {"action": "block"},
            "A.4.a": {"action": "block", "refusal": "fixed_answer", "answer": _FOR_MINORS_AT_RISK},
        },
    },
    CODE: {
        "risks": {
            **{f"A.2.{letter}": {"action": "flag"} for letter in "abcdehi"},
            "A.4.c": {"action": "flag"},
            "X.secret": {"action_request": "restore"},
        },
    },
}
"""Their tables by name."""
