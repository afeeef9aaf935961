import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from segmenter.scope import UNKNOWN, Scope, language, languages, pieces_per_word
from segmenter.sections import Text
from segmenter.text import clean

SENTENCES = {
    "en": "The council opened a new library in the old town hall on Monday.",
    "ru": "Городской совет открыл новую библиотеку в старом здании ратуши.",
    "de": "Der Stadtrat hat am Montag eine neue Bibliothek im alten Rathaus eröffnet.",
    "fr": "Le conseil municipal a ouvert une nouvelle bibliothèque dans l'ancienne mairie.",
    "it": "Il consiglio comunale ha aperto lunedì una nuova biblioteca nel vecchio municipio.",
}


@pytest.mark.parametrize("code", SENTENCES)
def test_a_plain_sentence_is_recognised_in_each_language_of_the_examples(code: str) -> None:
    assert language(SENTENCES[code]) == code


def test_capitals_do_not_change_the_language() -> None:
    assert language(SENTENCES["en"].upper()) == "en"


def test_handles_links_and_hashtags_do_not_vote_on_the_language() -> None:
    noisy = "@guten_morgen_berlin #Nachrichten https://beispiel.de/eine-neue-bibliothek " + SENTENCES["en"]
    assert language(clean(noisy)) == "en"


@pytest.mark.parametrize("text", ["", "@user link", "2025 !!! 🙂", "#only #tags"])
def test_a_message_without_words_of_its_own_has_no_language(text: str) -> None:
    assert language(text) == UNKNOWN


def test_languages_come_in_the_order_of_the_messages() -> None:
    assert languages(list(SENTENCES.values())) == list(SENTENCES)


def test_a_long_message_has_a_language() -> None:
    assert language(" ".join([SENTENCES["de"]] * 500)) == "de"


def test_letters_of_handles_links_and_hashtags_do_not_make_a_language() -> None:
    assert language(clean("#Nachrichten @guten_morgen https://beispiel.de")) == UNKNOWN


# How finely a tokenizer cuts: the pieces of this one are letters and two whole words.

PIECES = ["[UNK]", "garden", "beds", *"adegnrst", *(f"##{letter}" for letter in "adegnrst"), "!"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    vocabulary = {piece: number for number, piece in enumerate(PIECES)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("garden beds", 1.0),
        ("garden dates", 3.0),  # 1 + d a t e s, over 2 words
        ("garden!!!", 1.0),  # a word and three marks, 4 pieces
        ("garden жук", 2.0),  # 1 + the three letters of a piece that is unknown, over 2 words
        ("市議会", 1.5),  # this tokenizer has no piece for three letters together: 3 unknown letters, over 2 words
        ("", 0.0),
    ],
)
def test_pieces_are_counted_over_words(tokenizer: Tokenizer, text: str, wanted: float) -> None:
    assert pieces_per_word(tokenizer, [text]).tolist() == [wanted]


def test_pieces_are_counted_in_the_beginning_of_a_message(tokenizer: Tokenizer) -> None:
    # 400 characters are the first 57 times "garden " and one letter more: 57 pieces + 1, over 58 words
    assert pieces_per_word(tokenizer, ["garden " * 57 + "d" + "ates " * 90]).tolist() == [1.0]


def test_pieces_are_counted_whatever_the_tokenizer_cut_before(tokenizer: Tokenizer) -> None:
    tokenizer.enable_truncation(2)
    assert pieces_per_word(tokenizer, ["dates"]).tolist() == [5.0]


def test_pieces_are_read_off_token_ids_where_they_are_known(tokenizer: Tokenizer) -> None:
    # without special tokens: one id is one piece. The last two are read anew: an unknown piece, more than 400 characters
    texts = ["garden beds", "dates", "garden жук", "garden " * 60]
    ids = [one.ids for one in tokenizer.encode_batch(texts)]
    assert pieces_per_word(tokenizer, texts, ids).tolist() == pieces_per_word(tokenizer, texts).tolist()
    assert pieces_per_word(tokenizer, texts[:2], [None, ids[0][:1] * 7]).tolist() == [1.0, 7.0]


def test_special_tokens_are_no_pieces(tokenizer: Tokenizer) -> None:
    first = tokenizer.get_vocab()["a"]
    tokenizer.post_processor = processors.TemplateProcessing(single="a $A a", special_tokens=[("a", first)])
    ids = [one.ids for one in tokenizer.encode_batch(["dates"])]
    assert (len(ids[0]), pieces_per_word(tokenizer, ["dates"], ids).tolist()) == (7, [5.0])


TEXT = Text(
    rules=2,
    max_tokens=48,
    window_overlap_tokens=8,
    pieces_per_word_at_most=3.0,
    usual_pieces_factor=2.0,
    min_letters=3,
    min_language_messages=5,
)
SCOPE = Scope({"en": 1.25, "ru": 4.5}, TEXT)


def test_fewer_letters_than_asked_are_too_short() -> None:
    # "ok" has 2 letters
    assert SCOPE.why_not("ok 12345", found="en", pieces=1.0) == "too_short"


def test_exactly_the_letters_asked_are_enough() -> None:
    assert SCOPE.why_not("yes", found="en", pieces=1.0) == ""


def test_replaced_handles_and_links_do_not_count_as_letters() -> None:
    assert SCOPE.why_not("@user link @user", found="en", pieces=1.0) == "too_short"


def test_a_language_without_training_messages_is_out_of_scope_and_named() -> None:
    assert SCOPE.why_not("Kirjasto avattiin", found="fi", pieces=3.0) == "language_not_trained:fi"


# twice the usual: 2.5 in English, 9.0 in Russian
@pytest.mark.parametrize(
    ("found", "pieces", "reason"),
    [("en", 2.5, ""), ("en", 2.6, "shattered"), ("ru", 9.0, ""), ("ru", 9.1, "shattered")],
)
def test_a_message_cut_far_finer_than_its_language_is_shattered(found: str, pieces: float, reason: str) -> None:
    assert SCOPE.why_not("the new library", found=found, pieces=pieces) == reason


def test_a_language_that_is_always_cut_finely_is_in_scope_where_it_was_trained_on() -> None:
    assert SCOPE.why_not(SENTENCES["ru"], found="ru", pieces=4.5) == ""
