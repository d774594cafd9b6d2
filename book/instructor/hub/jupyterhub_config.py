"""JupyterHub for one course on one machine, whose users are the class."""

c = get_config()  # noqa: F821  (JupyterHub defines it)

# By itself it answers on this machine only: a web server with a certificate stands before it.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.db_url = "sqlite:////srv/jupyterhub/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = "/srv/jupyterhub/cookie_secret"

# Who is in the group opt101 logs in, with the password of the machine.
c.JupyterHub.authenticator_class = "pam"
c.LocalAuthenticator.allowed_groups = {"opt101"}

# Each server runs as its user, in the user's home.
c.JupyterHub.spawner_class = "localprocess"
c.Spawner.default_url = "/lab"
