"""An application in Flask, by hand: it proves each event, answers at once, works in a thread of its own."""

import hmac
import json
import os
import queue
import threading
import urllib.parse
import urllib.request

import flask

app = flask.Flask(__name__)
app.config.update(
    PORTAL_URL=os.environ.get("PORTAL_URL", ""),
    PUBLIC_URL=os.environ.get("PUBLIC_URL", ""),
    CLIENT_ID=os.environ.get("CLIENT_ID", ""),
    APPLICATION_TOKEN="",  # comes with the installation; a real application keeps it in its database
)
jobs: "queue.Queue[dict[str, str]]" = queue.Queue()  # and what is to be done, too


def call(method: str, token: str, **params: str):
    """The result of one REST call. The portal's address comes from the settings, never from an event."""
    url, body = f"{app.config['PORTAL_URL']}/rest/{method}", urllib.parse.urlencode({**params, "auth": token})
    with urllib.request.urlopen(url, body.encode(), timeout=10) as answer:
        return json.load(answer)["result"]


@app.post("/install")
def install():
    """Anybody can call this address: the token is to be an administrator's, of this application."""
    form = flask.request.form
    token, known = form.get("auth[access_token]", ""), app.config["APPLICATION_TOKEN"]
    if known and not hmac.compare_digest(known, form.get("auth[application_token]", "")):
        return "this portal is installed already", 403
    if call("app.info", token)["CODE"] != app.config["CLIENT_ID"] or not call("user.admin", token):
        return "this is not an installation", 403
    app.config["APPLICATION_TOKEN"] = form["auth[application_token]"]
    handler = f"{app.config['PUBLIC_URL']}/events"
    if handler not in [bound["handler"] for bound in call("event.get", token)]:
        call("event.bind", token, event="OnLiveFeedPostUpdate", handler=handler)
    return ""


@app.post("/events")
def events():
    """Prove it, keep it, answer: the portal waits for nothing else."""
    form = flask.request.form
    known = app.config["APPLICATION_TOKEN"]
    if not known or not hmac.compare_digest(known, form.get("auth[application_token]", "")):
        return "", 403
    jobs.put(form.to_dict())
    return ""


def tell(job: dict[str, str]) -> None:
    """Tell the author that his post was edited; the same TAG replaces the notice, so a repeat tells once."""
    token, number = job.get("auth[access_token]", ""), job["data[FIELDS][POST_ID]"]
    if not token:  # an automation did it: `framework.py` has tokens of its own for this
        return
    for post in call("log.blogpost.get", token, POST_ID=number):
        words, tag = f"«{post['TITLE']}» was edited", f"post-{number}"
        call("im.notify.personal.add", token, USER_ID=post["AUTHOR_ID"], MESSAGE=words, TAG=tag)


def work() -> None:
    while True:
        try:
            tell(jobs.get())
        except OSError as exc:
            app.logger.warning("not told: %s", exc)
        finally:
            jobs.task_done()


threading.Thread(target=work, daemon=True).start()
