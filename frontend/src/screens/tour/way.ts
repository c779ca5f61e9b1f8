import { useLocation, useNavigate } from "react-router";
import { leaving } from "../../components/leave";

/** To the tour, and back to this page when it ends. */
export function useTour(): () => void {
  const navigate = useNavigate();
  const { pathname } = useLocation();
  return () => leaving(() => void navigate("/tour", { state: { from: pathname } }));
}
