"""The classifiers of a gateway, asked as one."""

import asyncio

from gateway.proxy.classifier_panel import ClassifierPanel
from gateway.proxy.classifier_pool import ClassifierPool
from tests.gateway.protocol.scoring import CLASSIFICATION
from tests.gateway.proxy.test_classifier_pool import Fake, windows


def test_a_panel_of_one_answers_what_it_says() -> None:
    """Its scores are measured by its own bars."""

    async def main() -> None:
        panel = ClassifierPanel(ClassifierPool("fake", Fake()), CLASSIFICATION)
        answer = await panel.ask(windows("a"))
        assert answer[0].unsafe == 0.5  # type: ignore[union-attr] # it is an answer
        assert panel.classification is CLASSIFICATION
        panel.close()

    asyncio.run(main())
