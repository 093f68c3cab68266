"""Errors of ``log.blogpost.*`` and ``log.blogcomment.*``.

The pages show HTTP 400 for all of them, whatever the code says (A-28). Several have no code at all, so
they are told apart by their text.

Source: api-reference/log/log-blogpost-*.md, api-reference/log/blogcomment/*.md; contract 6.2 to 6.10
"""

from livefeed.errors import Fault


class AddFailed(Fault):
    """``log.blogpost.add``: not saved, for instance without a text."""

    code = "SONET_CONTROLLER_LIVEFEED_BLOGPOST_ADD_ERROR"
    status = 400
    description = "Blog post hasn't been added"


class NoDestination(AddFailed):
    """``log.blogpost.add``: no recipient can be found."""

    description = "No destination specified"


class BlogModuleNotInstalled(Fault):
    """``log.blogpost.add``: the portal has no feed."""

    code = "SONET_CONTROLLER_LIVEFEED_BLOGPOST_MODULE_BLOG_NOT_INSTALLED"
    status = 400
    description = "Blog module is not installed"


class BlogNotFound(Fault):
    """``log.blogpost.add``: the author has no blog."""

    code = "SONET_CONTROLLER_LIVEFEED_BLOG_NOT_FOUND"
    status = 400
    description = "Blog not found"


class CannotAddPost(Fault):
    """``log.blogpost.add``: an internal failure."""

    code = ""
    status = 400
    description = "Cannot add blog post"


class UpdateFailed(Fault):
    """``log.blogpost.update``: the number of the post is wrong."""

    code = "SONET_CONTROLLER_LIVEFEED_BLOGPOST_UPDATE_ERROR"
    status = 400
    description = "Wrong post ID"


class UpdateBlogModuleNotInstalled(UpdateFailed):
    """``log.blogpost.update``: the portal has no feed."""

    description = "Blog module is not installed."


class UpdateNotPermitted(UpdateFailed):
    """``log.blogpost.update``: neither the author nor an administrator."""

    description = "No write perms"


class UpdatePostNotFound(UpdateFailed):
    """``log.blogpost.update``: there is no such post."""

    description = "No post found"


class UpdateBlogNotFound(UpdateFailed):
    """``log.blogpost.update``: the author has no blog."""

    description = "No blog found"


class EmptyTitle(Fault):
    """``log.blogpost.update``: neither a title nor a text."""

    code = "EMPTY_TITLE"
    status = 400
    description = "Message title is not specified."


class CannotUpdatePost(Fault):
    """``log.blogpost.update``: an internal failure."""

    code = ""
    status = 400
    description = "Cannot update blog post"


class DeleteWrongPost(Fault):
    """``log.blogpost.delete``: the number of the post is wrong."""

    code = "100"
    status = 400
    description = "Wrong post ID"


class DeleteFailed(Fault):
    """``log.blogpost.delete``: an internal failure."""

    code = "0"
    status = 400
    description = "Error deleting message"


class DeleteBlogModuleNotInstalled(DeleteFailed):
    """``log.blogpost.delete``: the portal has no feed."""

    description = "Blog module is not installed."


class DeleteNotPermitted(Fault):
    """``log.blogpost.delete``: neither the author nor an administrator."""

    code = "403"
    status = 400
    description = "You do not have permission to delete this message"


class WrongPost(Fault):
    """``log.blogpost.share`` and ``getusers.important``: the number of the post is wrong."""

    code = ""
    status = 400
    description = "Wrong post ID"


class ShareModuleNotInstalled(Fault):
    """``log.blogpost.share`` and ``log.blogcomment.delete``: the portal has no feed."""

    code = ""
    status = 400
    description = "Blog module not installed"


class WrongDestinations(Fault):
    """``log.blogpost.share``: no recipient can be read."""

    code = ""
    status = 400
    description = "Wrong destinations"


class NoReadPermission(Fault):
    """``log.blogpost.share``: the caller may not see the post."""

    code = ""
    status = 400
    description = "No read perms"


class RecipientsNotAccessible(Fault):
    """``log.blogpost.share``: a recipient may not be written to."""

    code = ""
    status = 400
    description = "No access to one or more message recipients"


class CommentModuleNotInstalled(Fault):
    """``log.blogcomment.add``: the portal has no feed."""

    code = ""
    status = 400
    description = "No blog module installed"


class NoPostFound(Fault):
    """``log.blogcomment.add``: the post is unknown, or the caller may not see it."""

    code = ""
    status = 400
    description = "No post found"


class NoBlogFound(Fault):
    """``log.blogcomment.add``: the author has no blog."""

    code = ""
    status = 400
    description = "No blog found"


class DuplicateComment(Fault):
    """``log.blogcomment.add``: the same text stands there already."""

    code = ""
    status = 400
    description = "Duplicate comment"


class CommentNotPermitted(Fault):
    """``log.blogcomment.add``: the caller may not comment."""

    code = ""
    status = 400
    description = "No permissions"


class BlogCommentNotAdded(Fault):
    """``log.blogcomment.add``: not saved, for instance without a text."""

    code = ""
    status = 400
    description = "Blog comment hasn't been added"


class WrongComment(Fault):
    """``log.blogcomment.delete``: the number of the comment is wrong."""

    code = ""
    status = 400
    description = "Wrong comment ID"


class NoDeletePermission(Fault):
    """``log.blogcomment.delete``: neither the author nor one with full rights."""

    code = ""
    status = 400
    description = "No delete perms"


class CommentNotFound(Fault):
    """``log.blogcomment.delete``: there is no such comment."""

    code = ""
    status = 400
    description = "No comment found"
