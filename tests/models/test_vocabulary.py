"""A tokenizer cut down to the pieces that texts use."""

import io

import sentencepiece

from models.vocabulary import prune


def test_pieces_that_texts_use_are_kept() -> None:
    """Numbers of the smaller model lead to those of the whole one, and frequent texts are cut as before."""
    model = io.BytesIO()
    sentences = ["a cake with cream", "a soup with carrots", "cream and carrots", "cakes and soups"] * 8
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=model, vocab_size=40, minloglevel=2, hard_vocab_limit=False
    )
    whole = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    found = prune(model.getvalue(), ["A cake with cream"] * 3, 22)
    smaller = sentencepiece.SentencePieceProcessor(model_proto=found.model)
    assert smaller.vocab_size() == len(found.kept) == 22
    assert [whole.id_to_piece(int(number)) for number in found.kept] == [smaller.id_to_piece(n) for n in range(22)]
    pieces = smaller.encode("a cake with cream")
    assert [found.kept[number] for number in pieces] == whole.encode("a cake with cream")
    assert (smaller.unk_id(), smaller.bos_id(), smaller.eos_id()) == (0, 1, 2)
