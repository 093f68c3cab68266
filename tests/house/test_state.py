"""What a module keeps for as long as a process runs is known, and is nothing that another process needs.

A request may come to any process (docs/adr/0073). What is kept is named here with the reason why it may be;
whoever adds to it has to say why the next process can do without.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

SRC = Path(__file__).parents[2] / "src" / "livefeed"
FILLED = {"dict", "list", "set", "deque", "OrderedDict", "defaultdict", "Counter", "WeakValueDictionary"}
KEEPING = {"cache", "lru_cache"}

KNOWN = {
    "failpoints.py:_left": "tests only",
    "net/http.py:_NOTHING": "always empty",
    "portal/frames/targets.py:_NO_OPTIONS": "always empty",
    "portal/people/passwords.py:_queue": "how many comparisons this process makes at once",
    "portal/seed/company.py:_NOBODY": "always empty",
    "secrets/sealing.py:_nonces": "random bytes, drawn ahead; a forked process draws its own",
    "telemetry.py:_page_of": "which worker this process is, set once after the fork",
    "wire/form/decode.py:_known_paths": "what the same key was split into before",
    "wire/form/decode.py:_known_php_paths": "what the same key was split into before",
    "wire/form/encode.py:_known_keys": "what the same key was encoded as before",
    "wire/headings.py:_NOTHING": "always empty",
}
BOUNDED = {
    "app/application.py:Application.consumptions": "what the application is made of",
    "app/application.py:Application.operations": "what the application is made of",
    "app/exchange.py:Patience._until": "requests to handlers that are under way",
    "app/frames/pages.py:Pages._forms": "what the application is made of",
    "app/frames/pages.py:Pages._handlers": "what the application is made of",
    "app/http/desk.py:Desk._tasks": "requests that are being answered",
    "app/http/hall.py:Hall._guests": "open connections, which are counted",
    "app/http/heads.py:KnownHeads._known": "emptied when it is full",
    "app/http/line.py:Line._exchanges": "requests of one connection; many are read no further",
    "app/installs/following.py:Following._reads": "reads that wait for their turn; they share the next one",
    "app/installs/portals.py:Portals._by_id": "portals that installed the application (docs/adr/0040)",
    "app/installs/portals.py:Portals._proved": "one for each known portal",
    "app/routing/router.py:Router._provided": "what the application is made of",
    "client/buckets.py:Buckets._tills": "one for each portal that is called",
    "client/gathering/collector.py:Collector._under_way": "calls that somebody waits for",
    "client/gathering/collector.py:Collector._waiting": "calls that somebody waits for",
    "client/sending/budgets.py:Budgets._known": "one for each portal that is called",
    "client/sending/operating.py:Budget._spent": "methods that the application calls",
    "client/vault.py:Vault._flights": "refreshes that are under way",
    "content/bbcode.py:_Builder._open": "one text's",
    "durable/engines/postgresql/bells.py:Bells._topics": "emptied once they are told",
    "durable/engines/postgresql/crew.py:Crew._rows": "units that wait; the store refuses more of them",
    "durable/engines/postgresql/crew.py:Crew._running": "units that run",
    "durable/engines/postgresql/crew.py:Crew._turns": "units that wait; the store refuses more of them",
    "durable/engines/replies.py:Listeners._of": "who listens, until he says that he does not",
    "durable/engines/unit.py:Tx.topics": "one unit's",
    "durable/worker/exchange.py:Exchange.held": "leases that are held",
    "durable/worker/runners.py:Runners.ready": "leases that are held",
    "durable/worker/runners.py:Runners.tasks": "as many as run at a time",
    "durable/worker/slots.py:Slots._gates": "consumers that run, wait or are down",
    "durable/worker/slots.py:Slots._proved": "emptied when it is full",
    "net/addresses.py:AddressBook._known": "the oldest goes when it is full",
    "net/http.py:HttpClient._pinned": "the oldest goes when it is full",
    "portal/apps/tokens.py:Mint._made": "of one minute; emptied when it is full",
    "portal/calls/courtesy.py:Courtesy._ahead": "portals that called within the last second",
    "portal/calls/courtesy.py:Courtesy._guests": "portals that called within the last second",
    "portal/calls/courtesy.py:Courtesy._held": "portals that called within the last second",
    "portal/events/blocked.py:BlockedHandlers._told": "emptied when it is full",
    "portal/events/cards.py:CardIndex._asked": "cards that are asked for and not read yet",
    "portal/events/cards.py:CardIndex._cards": "emptied when it is full",
    "portal/events/cards.py:CardIndex._epochs": "reads that are under way",
    "portal/events/cards.py:CardIndex._owners": "owners of handlers; emptied with the cards",
    "portal/events/cards.py:CardIndex._people": "people who act; emptied whenever somebody is dismissed",
    "portal/events/dispatcher.py:Dispatcher._filled_last": "emptied when it is full",
    "portal/events/dispatcher.py:Dispatcher._given_last": "emptied when it is full",
    "portal/events/dispatcher.py:Dispatcher._logging": "writes that are under way",
    "portal/events/dispatcher.py:Dispatcher._paces": "handlers that were slow",
    "portal/events/shares.py:Shares._known": "emptied when it is full",
    "portal/web/developer/listing.py:Names._known": "one page's",
    "portal/web/scene/live.py:Watch._open": "open pages, which are counted",
    "portal/web/scene/pages.py:_Scene._hurrying": "looks that are under way; the scene is a demo's",
    "ui/streams.py:Stream._names": "a few words, each once",
    "ui/streams.py:Streams._counts": "people with open pages",
    "ui/streams.py:Streams._open": "open pages, which are counted",
    "wire/form/shapes.py:Shapes._glimpses": "emptied when it is full",
    "wire/form/shapes.py:Shapes._readable": "emptied when it is full",
}
"""What an object may keep beyond one call, and what bounds it."""

OF_THE_DATABASE = {"tx", "store", "conn", "reader", "clock"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Everything but the command line, whose benches and demo are one process each."""
    for path in sorted(SRC.rglob("*.py")):
        if "cli" not in path.relative_to(SRC).parts:
            yield str(path.relative_to(SRC)), ast.parse(path.read_text())


def kept() -> Iterator[str]:
    """Containers that are empty when their module is read, and names that functions set anew."""
    for name, tree in modules():
        for node in tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and is_to_be_filled(node.value):
                target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
                yield f"{name}:{ast.unparse(target)}"
        for node in ast.walk(tree):
            if isinstance(node, ast.Global):
                yield from (f"{name}:{one}" for one in node.names)


def kept_by_objects() -> Iterator[str]:
    """Containers, but for lists, that an object of a class fills: ``events/cards.py:CardIndex._cards``."""
    for name, tree in modules():
        if name.startswith("testing/"):
            continue  # one test each
        for owner in ast.walk(tree):
            for node in ast.walk(owner) if isinstance(owner, ast.ClassDef) else ():
                if not isinstance(node, ast.Assign | ast.AnnAssign) or isinstance(node.value, ast.List):
                    continue
                target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
                if isinstance(target, ast.Attribute) and is_to_be_filled(node.value):
                    yield f"{name}:{owner.name}.{target.attr}"


def caches() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Functions whose results are kept."""
    for name, tree in modules():
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if KEEPING & {called(one) for one in node.decorator_list}:
                yield f"{name}:{node.name}", node


def is_to_be_filled(value: ast.expr | None) -> bool:
    match value:
        case ast.Dict(keys=[]) | ast.List(elts=[]):
            return True
        case ast.Call(args=[], keywords=[]):
            return called(value) in FILLED
        case _:
            return False


def called(node: ast.expr) -> str:
    """The last name of what is called or subscripted: ``deque[bytes]()`` → ``deque``."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def test_what_a_module_keeps_is_named_with_its_reason():
    assert set(kept()) == set(KNOWN)


def test_what_an_object_keeps_is_named_with_what_bounds_it():
    assert set(kept_by_objects()) == set(BOUNDED)


def test_no_result_of_the_database_or_of_the_clock_is_cached():
    found = dict(caches())

    assert len(found) > 10
    for name, node in found.items():
        parameters = {one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
        assert not parameters & OF_THE_DATABASE, name
